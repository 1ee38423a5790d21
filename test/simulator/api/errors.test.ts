import { describe, expect, test } from 'vitest'
import { body, expectRefusal, post, schema, start, stopClock } from '../helpers.ts'

const tools = [{ type: 'function', function: { name: 'f', parameters: {} } }]

describe('errors in the shape of OpenAI', () => {
  test.each<[string, unknown, string | null, string | null]>([
    ['broken JSON', '{"model":', null, null],
    ['not an object', '[]', null, null],
    ['no model', body({ model: undefined }), 'model', 'missing_required_parameter'],
    ['model of a wrong type', body({ model: 1 }), 'model', 'invalid_type'],
    ['no messages', body({ messages: undefined }), 'messages', 'missing_required_parameter'],
    ['messages that are not an array', body({ messages: 'hi' }), 'messages', 'invalid_type'],
    ['no message', body({ messages: [] }), 'messages', 'invalid_value'],
    ['no role', body({ messages: [{ content: 'x' }] }), 'messages[0].role', 'missing_required_parameter'],
    ['unknown role', body({ messages: [{ role: 'me', content: 'x' }] }), 'messages[0].role', 'invalid_value'],
    [
      'no content',
      body({ messages: [{ role: 'user' }] }),
      'messages[0].content',
      'missing_required_parameter',
    ],
    [
      'part without text',
      body({ messages: [{ role: 'user', content: [{ type: 'text' }] }] }),
      'messages[0].content[0].text',
      'invalid_type',
    ],
    ['stream of a wrong type', body({ stream: 'yes' }), 'stream', 'invalid_type'],
    ['stream_options alone', body({ stream_options: { include_usage: true } }), 'stream_options', null],
    ['cap of 0', body({ max_completion_tokens: 0 }), 'max_completion_tokens', 'invalid_value'],
    ['two choices', body({ n: 2 }), 'n', 'invalid_value'],
    ['unknown format', body({ response_format: { type: 'xml' } }), 'response_format.type', 'invalid_value'],
    [
      'no schema',
      body({ response_format: { type: 'json_schema', json_schema: { name: 'x' } } }),
      'response_format.json_schema.schema',
      'missing_required_parameter',
    ],
    [
      'strict of a wrong type',
      body({
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict: 'yes' } },
      }),
      'response_format.json_schema.strict',
      'invalid_type',
    ],
    ...['', 'a b', 'é', 'x'.repeat(65)].map((name): [string, unknown, string, string] => [
      `the schema's name ${name}`,
      body({ response_format: { type: 'json_schema', json_schema: { name, schema } } }),
      'response_format.json_schema.name',
      'invalid_value',
    ]),
    ...[
      'required',
      { type: 'function', function: { name: 'f' } },
      { type: 'custom', custom: { name: 'f' } },
      { type: 'allowed_tools', allowed_tools: { mode: 'required', tools } },
    ].map((choice): [string, unknown, string, string] => [
      `tool_choice ${JSON.stringify(choice)}`,
      body({ tools, tool_choice: choice }),
      'tool_choice',
      'invalid_value',
    ]),
    [
      'schema that leads nowhere',
      body({
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { $ref: '#/no' } } },
      }),
      'response_format',
      null,
    ],
  ])('400 for %s', async (_, payload, param, code) => {
    await using simulator = await start()
    const response = await post(simulator, payload)
    await expectRefusal(simulator, response, param, code)
  })

  test('a strict schema that OpenAI refuses is refused in its words', async () => {
    await using simulator = await start()
    const format = (strict?: boolean | null) =>
      body({ response_format: { type: 'json_schema', json_schema: { name: 'results', schema, strict } } })
    const response = await post(simulator, format(true))
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      error: {
        message:
          "Invalid schema for response_format 'results': In context=(), " +
          "'additionalProperties' is required to be supplied and to be false.",
        type: 'invalid_request_error',
        param: 'response_format',
        code: null,
      },
    })
    for (const strict of [false, null, undefined]) {
      expect((await post(simulator, format(strict))).status).toBe(200)
    }
    // The schema is refused also after it was accepted without `strict`.
    expect((await post(simulator, format(true))).status).toBe(400)
  })

  test.each(['none', 'auto', null, { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools } }])(
    'tools without a forced call are not an error: tool_choice %j',
    async (choice) => {
      await using simulator = await start()
      expect((await post(simulator, body({ tools, tool_choice: choice }))).status).toBe(200)
    },
  )

  test('400 for a schema that is nested too deeply for the stack', async () => {
    await using simulator = await start()
    const deep = '{"type":"array","items":'.repeat(50_000) + '{}' + '}'.repeat(50_000)
    const text = JSON.stringify(body()).replace(JSON.stringify(schema), deep)
    expect((await post(simulator, text)).status).toBe(400)
  })

  test('400 for a prompt that is longer than the context, and length at its end', async () => {
    await using simulator = await start({ contextTokens: 100 })
    const tooLong = await post(simulator, {
      model: 'm',
      messages: [{ role: 'user', content: ' word'.repeat(100) }],
    })
    expect(tooLong.status).toBe(400)
    expect(await tooLong.json()).toMatchObject({
      error: { code: 'context_length_exceeded', param: 'messages' },
    })
    const full = await post(simulator, {
      model: 'm',
      messages: [{ role: 'user', content: ' word'.repeat(88) }],
    })
    expect(await full.json()).toMatchObject({
      choices: [{ finish_reason: 'length' }],
      usage: { total_tokens: 100 },
    })
  })

  test('404, 405 and 401', async () => {
    await using simulator = await start({ apiKey: 'secret' })
    const key = { authorization: 'Bearer secret' }
    const lost = await fetch(`${simulator.baseURL}/completions`, { method: 'POST', headers: key, body: '{}' })
    expect(lost.status).toBe(404)
    expect(await lost.json()).toEqual({
      error: {
        message: 'Invalid URL (POST /v1/completions)',
        type: 'invalid_request_error',
        param: null,
        code: null,
      },
    })
    const wrongMethod = await fetch(`${simulator.baseURL}/chat/completions`, { headers: key })
    expect([wrongMethod.status, wrongMethod.headers.get('allow')]).toEqual([405, 'POST'])
    for (const headers of [{}, { authorization: 'Bearer other' }]) {
      const response = await post(simulator, body(), headers)
      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ error: { code: 'invalid_api_key', param: null } })
    }
    expect((await post(simulator, body(), key)).status).toBe(200)
    const models = await fetch(`${simulator.baseURL}/models?limit=3`, { headers: key })
    expect(await models.json()).toMatchObject({
      object: 'list',
      data: [{ id: 'simulator', object: 'model' }],
    })
  })
})

describe('rate limits', () => {
  test('429 with headers, on the wire', async () => {
    stopClock()
    await using simulator = await start({ limits: { requestsPerMinute: 1, tokensPerMinute: 60_000 } })
    const passed = await post(simulator, body({ max_completion_tokens: 6000 }))
    expect(passed.status).toBe(200)
    expect(passed.headers.get('x-ratelimit-limit-requests')).toBe('1')
    expect(passed.headers.get('x-ratelimit-remaining-requests')).toBe('0')
    expect(passed.headers.get('x-ratelimit-reset-requests')).toBe('1m0s')
    expect(passed.headers.get('x-ratelimit-limit-tokens')).toBe('60000')
    expect(passed.headers.get('x-ratelimit-remaining-tokens')).toBe('54000')
    expect(passed.headers.get('x-ratelimit-reset-tokens')).toBe('6s')

    const refused = await post(simulator, body())
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after-ms')).toBe('60000')
    expect(refused.headers.get('retry-after')).toBe('60')
    expect(await refused.json()).toEqual({
      error: {
        message: expect.stringContaining('requests per min (RPM): Limit 1, Used 1, Requested 1') as unknown,
        type: 'requests',
        param: null,
        code: 'rate_limit_exceeded',
      },
    })
    expect(simulator.stats).toMatchObject({ requests: 2, completed: 1, rateLimited: 1 })
  })

  test('a request that is larger than the limit gets an error without a time to wait', async () => {
    await using simulator = await start({ limits: { tokensPerMinute: 100 } })
    const response = await post(simulator, body({ max_completion_tokens: 101 }))
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBeNull()
    const { error } = (await response.json()) as { error: { message: string; type: string } }
    expect(error.type).toBe('tokens')
    expect(error.message).toContain('Request too large')
  })

  test('without limits there are no rate-limit headers', async () => {
    await using simulator = await start()
    const response = await post(simulator, body())
    expect([...response.headers.keys()].filter((name) => name.startsWith('x-ratelimit'))).toEqual([])
  })
})
