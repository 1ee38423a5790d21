import OpenAI from 'openai'
import OpenAIv6 from 'openai-v6'
import { zodTextFormat } from 'openai/helpers/zod'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  body,
  expectRefusal,
  post,
  postResponses,
  responsesBody,
  schema,
  start,
  stopClock,
} from '../helpers.ts'

const apiKey = 'simulator'
const answer = JSON.stringify({ results: [1, 2, 3].map((id) => ({ id, label: 'refund' })) })

type Usage = OpenAI.Responses.ResponseUsage
type Body = { output: { content: { text: string }[]; status: string }[]; usage: Usage; status: string }
type Event = { type: string; sequence_number: number; delta?: string; response?: Body }

/** The events with their text. The names are checked. */
async function eventsOf(response: Response): Promise<{ events: Event[]; text: string }> {
  const text = await response.text()
  const blocks = text.split('\n\n')
  expect(blocks.pop()).toBe('')
  const events = blocks.map((block) => {
    const [, name, data] = /^event: (.*)\ndata: (.*)$/u.exec(block) ?? []
    const event = JSON.parse(data ?? '') as Event
    expect(event.type).toBe(name)
    return event
  })
  expect(events.map((event) => event.sequence_number)).toEqual([...events.keys()])
  return { events, text: events.map(({ delta = '' }) => delta).join('') }
}

const responseOf = async (response: Response) => (await response.json()) as Body

const Answer = z.object({
  results: z.array(z.object({ id: z.int(), label: z.enum(['refund', 'delivery', 'login']) })),
})
const labels = [
  { id: 1, label: 'refund' },
  { id: 2, label: 'delivery' },
  { id: 3, label: 'login' },
]
const content = ['I want a refund', 'My delivery is late', 'I cannot login']
  .map((text, index) => `<record id="${index + 1}">${text}</record>`)
  .join('\n')
const request = {
  model: 'gpt-4o-mini',
  instructions: 'Label each record.',
  input: content,
  store: false,
  text: { format: zodTextFormat(Answer, 'labels') },
}

describe.each([
  ['openai 7', OpenAI],
  ['openai 6', OpenAIv6 as unknown as typeof OpenAI],
])('%s', (_, Client) => {
  test('streamed: one delta per token, then usage', async () => {
    await using simulator = await start()
    const client = new Client({ baseURL: simulator.baseURL, apiKey, maxRetries: 0 })
    const stream = await client.responses.create({ ...request, stream: true })
    let text = ''
    let deltas = 0
    let usage: Usage | undefined
    for await (const event of stream) {
      if (event.type === 'response.output_text.delta') {
        deltas++
        text += event.delta
      }
      if (event.type === 'response.completed') ({ usage } = event.response)
    }
    expect(Answer.parse(JSON.parse(text)).results).toEqual(labels)
    expect(usage?.output_tokens).toBe(deltas)
    expect(simulator.stats).toMatchObject({
      requests: 1,
      streamed: 1,
      completed: 1,
      outputTokens: deltas,
      inputTokens: usage?.input_tokens,
    })
  })

  test('in one piece, parsed, and by the stream helper', async () => {
    await using simulator = await start()
    const client = new Client({ baseURL: simulator.baseURL, apiKey, maxRetries: 0 })
    const whole = await client.responses.create(request)
    expect(Answer.parse(JSON.parse(whole.output_text)).results).toEqual(labels)
    const parsed = await client.responses.parse(request)
    expect(parsed.output_parsed?.results).toEqual(labels)
    const streamed = await client.responses.stream(request).finalResponse()
    expect(streamed.output_parsed).toEqual(parsed.output_parsed)
    expect({ ...streamed, id: whole.id }).toMatchObject({ usage: whole.usage, status: 'completed' })
  })

  test('cut: the stream ends as incomplete', async () => {
    await using simulator = await start()
    const client = new Client({ baseURL: simulator.baseURL, apiKey, maxRetries: 0 })
    const stream = await client.responses.create({ ...request, max_output_tokens: 16, stream: true })
    let last: OpenAI.Responses.ResponseStreamEvent | undefined
    for await (const event of stream) last = event
    expect(last).toMatchObject({
      type: 'response.incomplete',
      response: { incomplete_details: { reason: 'max_output_tokens' }, usage: { output_tokens: 16 } },
    })
  })

  test('errors arrive as the classes of the SDK', async () => {
    await using simulator = await start({ limits: { requestsPerMinute: 1 } })
    const client = new Client({ baseURL: simulator.baseURL, apiKey, maxRetries: 0 })
    await client.responses.create(request)
    const limited = client.responses.create({ ...request, stream: true })
    await expect(limited).rejects.toBeInstanceOf(Client.RateLimitError)
    const wrong = client.responses.create({ ...request, max_output_tokens: 15 })
    await expect(wrong).rejects.toBeInstanceOf(Client.BadRequestError)
  })
})

describe('streaming', () => {
  test('every event of one message, in order, with the whole of each thing at its end', async () => {
    await using simulator = await start()
    const response = await postResponses(simulator, responsesBody({ stream: true }))
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const { events, text } = await eventsOf(response)
    expect(text).toBe(answer)
    const deltas = events.filter(({ type }) => type === 'response.output_text.delta')
    for (const { delta } of deltas) expect(delta?.length).toBeLessThanOrEqual(11)

    const place = { item_id: 'msg_sim1', output_index: 0, content_index: 0 }
    const part = { type: 'output_text', text, annotations: [], logprobs: [] }
    const item = { id: 'msg_sim1', type: 'message', role: 'assistant', status: 'completed', content: [part] }
    const tokens = deltas.length
    const usage = {
      input_tokens: expect.any(Number) as number,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: tokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: simulator.stats.inputTokens + tokens,
    }
    const begun = {
      id: 'resp_sim1',
      object: 'response',
      model: 'gpt-4o-mini',
      created_at: expect.any(Number) as number,
      error: null,
      status: 'in_progress',
      output: [],
      usage: null,
      metadata: { simulator: 'not a model' },
    }
    const expected: [type: string, fields: object][] = [
      ['response.created', { response: begun }],
      ['response.in_progress', { response: begun }],
      [
        'response.output_item.added',
        { output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
      ],
      ['response.content_part.added', { ...place, part: { ...part, text: '' } }],
      ...deltas.map(({ delta, type }): [string, object] => [type, { ...place, delta, logprobs: [] }]),
      ['response.output_text.done', { ...place, text, logprobs: [] }],
      ['response.content_part.done', { ...place, part }],
      ['response.output_item.done', { output_index: 0, item }],
      [
        'response.completed',
        { response: { ...begun, status: 'completed', incomplete_details: null, output: [item], usage } },
      ],
    ]
    expect(events).toMatchObject(
      expected.map(([type, fields], index) => ({ type, sequence_number: index, ...fields })),
    )
    expect(events).toHaveLength(tokens + 8)
  })

  test('max_output_tokens cuts the answer exactly there, and all events report it', async () => {
    await using simulator = await start()
    const { events, text } = await eventsOf(
      await postResponses(simulator, responsesBody({ stream: true, max_output_tokens: 17 })),
    )
    expect(answer.startsWith(text)).toBe(true)
    expect(events).toHaveLength(17 + 8)
    expect(events.at(-2)).toMatchObject({ type: 'response.output_item.done', item: { status: 'incomplete' } })
    expect(events.at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: {
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        max_output_tokens: 17,
        output: [{ status: 'incomplete', content: [{ text }] }],
        usage: { output_tokens: 17 },
      },
    })
    expect(simulator.stats).toMatchObject({ completed: 1, outputTokens: 17 })
  })

  test('an answer of exactly the cap is not cut', async () => {
    await using simulator = await start()
    const { usage } = await responseOf(await postResponses(simulator, responsesBody()))
    const again = responsesBody({ max_output_tokens: usage.output_tokens })
    expect(await responseOf(await postResponses(simulator, again))).toMatchObject({ status: 'completed' })
  })

  test('takes the time of its latency', async () => {
    const latency = {
      timeToFirstToken: 60,
      promptTokensPerSecond: Infinity,
      outputTokensPerSecond: 500,
      slowdown: 0,
    }
    await using simulator = await start({ latency })
    const startedAt = performance.now()
    const payload = responsesBody({ stream: true, max_output_tokens: 40 }, 10)
    const response = await postResponses(simulator, payload)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(59)
    await response.text()
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(60 + 78 - 1)
  })

  test('writing stops when the client closes the connection', async () => {
    const latency = {
      timeToFirstToken: 0,
      promptTokensPerSecond: Infinity,
      outputTokensPerSecond: 100,
      slowdown: 0,
    }
    await using simulator = await start({ latency })
    const controller = new AbortController()
    const payload = responsesBody({ stream: true }, 200)
    void postResponses(simulator, payload, {}, controller.signal).catch(() => undefined)
    await expect.poll(() => simulator.stats.outputTokens).toBeGreaterThan(0)
    controller.abort()
    await expect.poll(() => simulator.stats.inFlight).toBe(0)
    expect(simulator.stats).toMatchObject({ requests: 1, completed: 0, aborted: 1 })
  })
})

describe('not streamed', () => {
  test('the same answer in one piece', async () => {
    await using simulator = await start()
    const response = await postResponses(simulator, responsesBody({ metadata: { run: '7' } }))
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toMatchObject({
      id: 'resp_sim1',
      object: 'response',
      status: 'completed',
      text: { format: { type: 'json_schema', name: 'r', schema, strict: false } },
      metadata: { run: '7', simulator: 'not a model' },
      output: [{ id: 'msg_sim1', content: [{ type: 'output_text', text: answer }] }],
    })
    expect(simulator.stats).toMatchObject({ requests: 1, streamed: 0, completed: 1 })
  })

  test('cut', async () => {
    await using simulator = await start()
    const response = await postResponses(simulator, responsesBody({ max_output_tokens: 16 }))
    expect(await response.json()).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ status: 'incomplete' }],
    })
  })
})

describe('the same prompt as in a chat completion', () => {
  const user = body().messages[0]?.content ?? ''
  const chat = (more: object) =>
    body({
      messages: [
        { role: 'system', content: 'Label them.' },
        { role: 'user', content: user },
      ],
      ...more,
    })
  const part = (text: string) => [{ type: 'input_text', text }]
  const jsonSchema = { type: 'json_schema', name: 'r', schema }

  test.each<[string, object, object]>([
    [
      'instructions',
      { response_format: { type: 'json_schema', json_schema: { name: 'r', schema } } },
      { instructions: 'Label them.', input: user, text: { format: jsonSchema } },
    ],
    [
      'messages',
      { response_format: { type: 'json_schema', json_schema: { name: 'r', schema } } },
      {
        input: [
          { role: 'system', content: 'Label them.' },
          { type: 'message', role: 'user', content: part(user) },
        ],
        text: { format: jsonSchema, verbosity: 'low' },
      },
    ],
    [
      'json_object',
      { response_format: { type: 'json_object' } },
      { instructions: 'Label them.', input: user, text: { format: { type: 'json_object' } } },
    ],
    [
      'plain text',
      { response_format: { type: 'text' } },
      { instructions: 'Label them.', input: user, text: { format: { type: 'text' } } },
    ],
    [
      'no format',
      { response_format: undefined },
      { instructions: 'Label them.', input: user, text: undefined },
    ],
    [
      'an earlier answer and an image',
      {
        messages: [
          { role: 'user', content: 'Hello' },
          { role: 'assistant', content: 'Hi' },
          { role: 'developer', content: 'Label them.' },
          { role: 'user', content: [{ type: 'text', text: user }, { type: 'image_url' }] },
        ],
      },
      {
        input: [
          { role: 'user', content: 'Hello' },
          { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hi' }] },
          { role: 'developer', content: 'Label them.' },
          { role: 'user', content: [...part(user), { type: 'input_image', image_url: 'data:,' }] },
        ],
      },
    ],
  ])('%s: the same answer and the same counts', async (_, inChat, inResponses) => {
    await using simulator = await start()
    const { choices, usage } = (await (await post(simulator, chat(inChat))).json()) as OpenAI.ChatCompletion
    const response = await responseOf(await postResponses(simulator, responsesBody(inResponses)))
    expect(response.output[0]?.content[0]?.text).toBe(choices[0]?.message.content)
    expect([response.usage.input_tokens, response.usage.output_tokens]).toEqual([
      usage?.prompt_tokens,
      usage?.completion_tokens,
    ])
  })

  test('is cached from one API to the other', async () => {
    await using simulator = await start()
    const system = ' word'.repeat(2000)
    await post(simulator, {
      model: 'm',
      messages: [
        { role: 'system', content: system },
        { role: 'user', content: 'one' },
      ],
    })
    const again = await postResponses(simulator, { model: 'm', instructions: system, input: 'two' })
    expect((await responseOf(again)).usage.input_tokens_details.cached_tokens).toBe(1920)
    expect(simulator.stats.cachedTokens).toBe(1920)
  })
})

describe('errors in the shape of OpenAI', () => {
  const tools = [{ type: 'function', name: 'f', parameters: {} }]
  const format = (more: object) => responsesBody({ text: { format: { ...jsonSchema, ...more } } })
  const jsonSchema = { type: 'json_schema', name: 'x', schema }
  const asked = (message: object) => responsesBody({ input: [message] })

  test.each<[string, unknown, string | null, string | null]>([
    ['broken JSON', '{"model":', null, null],
    ['not an object', '[]', null, null],
    ['no model', responsesBody({ model: undefined }), 'model', 'missing_required_parameter'],
    ['model of a wrong type', responsesBody({ model: 1 }), 'model', 'invalid_type'],
    ['no input', responsesBody({ input: undefined }), 'input', 'missing_required_parameter'],
    ['input of a wrong type', responsesBody({ input: { role: 'user' } }), 'input', 'invalid_type'],
    ['no message', responsesBody({ input: [] }), 'input', 'invalid_value'],
    ['a message of a wrong type', responsesBody({ input: ['hi'] }), 'input[0]', 'invalid_type'],
    ['no role', asked({ content: 'x' }), 'input[0].role', 'missing_required_parameter'],
    ['a role of chat', asked({ role: 'tool', content: 'x' }), 'input[0].role', 'invalid_value'],
    ['no content', asked({ role: 'assistant' }), 'input[0].content', 'missing_required_parameter'],
    ['another item', asked({ type: 'item_reference', id: 'msg_1' }), 'input[0].type', 'invalid_value'],
    [
      'a part of a chat completion',
      asked({ role: 'user', content: [{ type: 'text', text: 'x' }] }),
      'input[0].content[0].type',
      'invalid_value',
    ],
    [
      'a part without a type',
      asked({ role: 'user', content: [{ text: 'x' }] }),
      'input[0].content[0].type',
      'missing_required_parameter',
    ],
    [
      'a part without text',
      asked({ role: 'user', content: [{ type: 'input_text' }] }),
      'input[0].content[0].text',
      'invalid_type',
    ],
    ['instructions of a wrong type', responsesBody({ instructions: ['x'] }), 'instructions', 'invalid_type'],
    ['stream of a wrong type', responsesBody({ stream: 'yes' }), 'stream', 'invalid_type'],
    ['store of a wrong type', responsesBody({ store: 'yes' }), 'store', 'invalid_type'],
    ['metadata of a wrong type', responsesBody({ metadata: 'x' }), 'metadata', 'invalid_type'],
    ['metadata that is not text', responsesBody({ metadata: { run: 7 } }), 'metadata.run', 'invalid_type'],
    [
      'stream_options alone',
      responsesBody({ stream_options: { include_obfuscation: false } }),
      'stream_options',
      null,
    ],
    [
      'include_usage',
      responsesBody({ stream: true, stream_options: { include_usage: true } }),
      'stream_options.include_usage',
      'unknown_parameter',
    ],
    ...[0, 15].map((cap): [string, unknown, string, string] => [
      `a cap of ${cap}`,
      responsesBody({ max_output_tokens: cap }),
      'max_output_tokens',
      'integer_below_min_value',
    ]),
    [
      'a cap of a wrong type',
      responsesBody({ max_output_tokens: '99' }),
      'max_output_tokens',
      'invalid_type',
    ],
    ['a broken cap', responsesBody({ max_output_tokens: 99.5 }), 'max_output_tokens', 'invalid_value'],
    ['text of a wrong type', responsesBody({ text: 'json' }), 'text', 'invalid_type'],
    ['format of a wrong type', responsesBody({ text: { format: 'json' } }), 'text.format', 'invalid_type'],
    ['no format type', format({ type: undefined }), 'text.format.type', 'missing_required_parameter'],
    ['unknown format', format({ type: 'xml' }), 'text.format.type', 'invalid_value'],
    [
      'a format of a chat completion',
      responsesBody({ text: { format: { type: 'json_schema', json_schema: { name: 'x', schema } } } }),
      'text.format.name',
      'missing_required_parameter',
    ],
    ['a name that is not allowed', format({ name: 'a b' }), 'text.format.name', 'invalid_value'],
    ['no schema', format({ schema: undefined }), 'text.format.schema', 'missing_required_parameter'],
    ['strict of a wrong type', format({ strict: 'yes' }), 'text.format.strict', 'invalid_type'],
    ...['required', { type: 'function', name: 'f' }, { type: 'allowed_tools', mode: 'required', tools }].map(
      (choice): [string, unknown, string, string] => [
        `tool_choice ${JSON.stringify(choice)}`,
        responsesBody({ tools, tool_choice: choice }),
        'tool_choice',
        'invalid_value',
      ],
    ),
    ...['previous_response_id', 'conversation', 'prompt', 'background'].map(
      (field): [string, unknown, string, string] => [
        field,
        responsesBody({ [field]: field === 'background' ? true : 'x_1' }),
        field,
        'invalid_value',
      ],
    ),
    ...['max_tokens', 'n', 'seed', 'stop', 'logprobs'].map((field): [string, unknown, string, string] => [
      `${field}, of chat`,
      responsesBody({ [field]: 1 }),
      field,
      'unknown_parameter',
    ]),
  ])('400 for %s', async (_, payload, param, code) => {
    await using simulator = await start()
    const response = await postResponses(simulator, payload)
    await expectRefusal(simulator, response, param, code)
  })

  test.each([
    ['messages', 'input'],
    ['response_format', 'text.format'],
    ['max_completion_tokens', 'max_output_tokens'],
    ['reasoning_effort', 'reasoning.effort'],
  ])('%s: the error names the new field', async (field, name) => {
    await using simulator = await start()
    // The error is the same if the new field is missing.
    const response = await postResponses(simulator, { model: 'm', [field]: 'x' })
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      error: {
        message: expect.stringMatching(
          `^Unsupported parameter: '${field}'. In the Responses API, this parameter has moved to '${name}'.`,
        ) as unknown,
        type: 'invalid_request_error',
        param: null,
        code: 'unsupported_parameter',
      },
    })
  })

  test('a strict schema that OpenAI refuses is refused in its words', async () => {
    await using simulator = await start()
    const response = await postResponses(simulator, format({ name: 'results', strict: true }))
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      error: {
        message:
          "Invalid schema for response_format 'results': In context=(), " +
          "'additionalProperties' is required to be supplied and to be false.",
        type: 'invalid_request_error',
        param: 'text.format.schema',
        code: 'invalid_json_schema',
      },
    })
    for (const strict of [false, null, undefined]) {
      expect((await postResponses(simulator, format({ strict }))).status).toBe(200)
    }
  })

  test.each([25_000, 50_000])('400 for a schema nested %i deep', async (depth) => {
    await using simulator = await start()
    const deep = '{"type":"array","items":'.repeat(depth) + '{}' + '}'.repeat(depth)
    const text = JSON.stringify(responsesBody()).replace(JSON.stringify(schema), deep)
    const response = await postResponses(simulator, text)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param: 'text.format.schema' } })
  })

  test.each([
    { tools, tool_choice: 'none' },
    { tools, tool_choice: 'auto' },
    { tools, tool_choice: null },
    { tools, tool_choice: { type: 'allowed_tools', mode: 'auto', tools } },
    { stream: true, stream_options: { include_obfuscation: false } },
    { store: true, temperature: 0, reasoning: { effort: 'low' }, metadata: null, background: false },
    { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'data:,' }] }] },
  ])('%j is no error', async (more) => {
    await using simulator = await start()
    expect((await postResponses(simulator, responsesBody(more))).status).toBe(200)
  })

  test('400 for a prompt that is longer than the context, and incomplete at its end', async () => {
    await using simulator = await start({ contextTokens: 100 })
    const asking = (words: number) => postResponses(simulator, { model: 'm', input: ' word'.repeat(words) })
    const tooLong = await asking(100)
    expect(tooLong.status).toBe(400)
    expect(await tooLong.json()).toMatchObject({ error: { code: 'context_length_exceeded', param: 'input' } })
    expect(await (await asking(88)).json()).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    })
  })

  test('405 for another method, and 401 without the key', async () => {
    await using simulator = await start({ apiKey: 'k' })
    const headers = { authorization: 'Bearer k' }
    const got = await fetch(`${simulator.baseURL}/responses`, { headers })
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST'])
    expect((await postResponses(simulator, responsesBody())).status).toBe(401)
    expect((await postResponses(simulator, responsesBody(), headers)).status).toBe(200)
  })
})

test('rate limits are shared with chat completions, and max_output_tokens is charged', async () => {
  stopClock()
  await using simulator = await start({ limits: { requestsPerMinute: 2, tokensPerMinute: 60_000 } })
  const passed = await postResponses(simulator, responsesBody({ max_output_tokens: 6000 }))
  expect(passed.headers.get('x-ratelimit-remaining-requests')).toBe('1')
  expect(passed.headers.get('x-ratelimit-remaining-tokens')).toBe('54000')
  const tooLarge = await postResponses(simulator, responsesBody({ max_output_tokens: 60_001 }))
  expect(tooLarge.status).toBe(429)
  expect(tooLarge.headers.get('retry-after')).toBeNull()
  expect((await post(simulator, body())).status).toBe(200)
  const refused = await postResponses(simulator, responsesBody({ stream: true }))
  expect(refused.status).toBe(429)
  expect(refused.headers.get('retry-after-ms')).toBe('30000')
  expect(await refused.json()).toMatchObject({ error: { type: 'requests', code: 'rate_limit_exceeded' } })
  expect(simulator.stats).toMatchObject({ requests: 4, completed: 2, rateLimited: 2 })
})
