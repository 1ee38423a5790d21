import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { NoticeEvent } from 'llm-pack-stream'
import { collect, stringStream, texts } from '../helpers/collect.ts'
import { answerOf } from '../helpers/scripted-client.ts'
import { answered, eventStream, frames, refused, sdks, type Received } from '../helpers/sdk-clients.ts'

type Connect = (typeof sdks)[number][1]
type Server = Parameters<Connect>[0]
type Options = Parameters<typeof stringStream>[1]

/** A server that takes every request for which `fault` returns nothing. */
const server =
  (fault: (body: Received['body']) => Response | undefined): Server =>
  (request) =>
    fault(request.body) ?? answered(answerOf(request, ({ text }) => text))

/** Sends records, and returns how the requests differ and what was told about them. */
async function run(connect: Connect, answer: Server, options: Options = {}, records = texts(40)) {
  const client = connect(answer)
  const stream = stringStream(client, { maxPackRecords: 10, maxOutputTokens: 4_000, ...options })
  const notices: string[] = []
  const listener = (event: unknown) => {
    const { stream: whose, message } = event as NoticeEvent
    if (whose === stream) notices.push(message)
  }
  subscribe('llm-pack-stream:notice', listener)
  onTestFinished(() => void unsubscribe('llm-pack-stream:notice', listener))
  const outcomes = await collect(stream, records)
  const forms = client.requests.map(({ body }) => formOf(body))
  return { outcomes, notices, forms, bodies: client.requests.map(({ body }) => body), stats: stream.stats }
}

function formOf(body: Received['body']): string {
  const cap = ['max_completion_tokens', 'max_tokens'].filter((name) => name in body)
  const usage = 'stream_options' in body ? ['usage'] : []
  return [(body.response_format as { type: string } | undefined)?.type ?? 'text', ...cap, ...usage].join(' ')
}

const ALL = 'json_schema max_completion_tokens usage'

/** Refusals of real servers that name a field. */
const output = (message: string) => (body: Received['body']) =>
  (body.response_format as { type?: string } | undefined)?.type === 'json_schema'
    ? refused(400, { error: { message, type: 'invalid_request_error', param: null } })
    : undefined
const extra = (field: string) => (body: Received['body']) =>
  field in body
    ? refused(400, { error: { message: `Extra inputs are not permitted, field: '${field}'`, code: 400 } })
    : undefined
/** Mistral's words, which `openai` hides because they are not under `error`. */
const mistral =
  (...fields: string[]) =>
  (body: Received['body']) => {
    const detail = fields
      .filter((field) => field in body)
      .map((field) => ({
        type: 'extra_forbidden',
        loc: ['body', field],
        msg: 'Extra inputs are not permitted',
      }))
    if (detail.length === 0) return undefined
    return refused(422, { object: 'error', message: { detail }, type: 'invalid_request_error', code: null })
  }

describe.each(sdks)('through %s', (sdk, connect) => {
  it.each([
    ['DeepSeek', 'This response_format type is unavailable now'],
    [
      'OpenAI',
      "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
    ],
    ['LiteLLM', 'response_format.type `json_schema` is unavailable now'],
    ['others', 'Structured outputs are not supported by this model'],
  ])(
    '%s has no `json_schema`: the stream asks for JSON, with the schema in the prompt',
    async (_who, words) => {
      const { outcomes, notices, forms, bodies, stats } = await run(connect, server(output(words)))
      expect(outcomes.map(({ status, attempts }) => [status, attempts])).toEqual(
        Array(40).fill(['fulfilled', 1]),
      )
      // Requests that were in flight together make one step together.
      expect(new Set(forms.slice(4))).toEqual(new Set(['json_object max_completion_tokens usage']))
      expect(forms).toHaveLength(8)
      expect(stats.requests).toBe(8)
      expect(notices).toEqual([
        'The server refuses `json_schema`. The stream asks for `json_object`, and its schema stands in the prompt.',
      ])
      const [first, last] = [bodies[0], bodies.at(-1)].map((body) => body?.messages[0]?.content as string)
      expect(first).not.toContain('"additionalProperties"')
      expect(last).toBe(
        `${first}\n\nAnswer with one JSON object that matches this JSON Schema, and nothing else:\n\n` +
          JSON.stringify(
            (bodies[0]?.response_format as { json_schema?: { schema: object } }).json_schema?.schema,
          ),
      )
    },
  )

  it('a server that knows neither gets text', async () => {
    const { outcomes, notices, forms } = await run(connect, server(extra('response_format')), {
      maxInFlight: 1,
    })
    expect(outcomes.every(({ status, attempts }) => status === 'fulfilled' && attempts === 1)).toBe(true)
    const text = 'text max_completion_tokens usage'
    expect(forms).toEqual([ALL, 'json_object max_completion_tokens usage', text, text, text, text])
    expect(notices).toHaveLength(1)
  })

  it.each(['json_object', 'text'] as const)(
    '`output: %s` is asked for from the first request on',
    async (mode) => {
      const { forms, notices, bodies } = await run(
        connect,
        server(() => undefined),
        { output: mode },
      )
      expect(new Set(forms)).toEqual(new Set([`${mode} max_completion_tokens usage`]))
      expect(bodies[0]?.messages[0]?.content).toContain('JSON Schema')
      expect(notices).toEqual([])
    },
  )

  it.each([
    ['max_completion_tokens', 'json_schema max_tokens usage'],
    ['stream_options', 'json_schema max_completion_tokens'],
  ])('a server that refuses `%s` by name does not get it again', async (field, form) => {
    const { outcomes, notices, forms } = await run(connect, server(extra(field)), { maxInFlight: 1 })
    expect(outcomes.every(({ status, attempts }) => status === 'fulfilled' && attempts === 1)).toBe(true)
    expect(forms).toEqual([ALL, form, form, form, form])
    expect(notices).toHaveLength(1)
  })

  it.each([
    [['max_completion_tokens'], 'json_schema max_tokens usage', 'json_schema max_tokens usage'],
    [['stream_options'], 'json_schema max_completion_tokens', 'json_schema max_tokens'],
    [['max_completion_tokens', 'stream_options'], 'json_schema max_tokens', 'json_schema max_tokens'],
    [['response_format'], 'text max_completion_tokens usage', 'text max_tokens'],
  ])('a refusal by Mistral, whose words openai 6 hides: %j', async (fields, named, tried) => {
    const { outcomes, forms } = await run(connect, server(mistral(...fields)), { maxInFlight: 1 })
    expect(outcomes.every(({ status, attempts }) => status === 'fulfilled' && attempts === 1)).toBe(true)
    expect(forms.slice(-4)).toEqual(Array(4).fill(sdk === 'openai 6' ? tried : named))
    expect(forms.length).toBeLessThanOrEqual(4 + 4)
  })

  const words = "'response_format' of type 'json_schema' is not supported"
  it.each([
    ['status 500', () => refused(500, { error: { message: words, type: 'server_error' } })],
    ['status 501', () => refused(501, { error: { message: words } })],
    ['the first event', () => eventStream(frames({ error: { message: words, code: 400 } }))],
    ['a body with status 200', () => refused(200, { error: { message: words, code: 400 } })],
  ])('a refusal by name may come as %s', async (_where, refusal) => {
    const fault = (body: Received['body']) => (formOf(body).startsWith('json_schema') ? refusal() : undefined)
    const { outcomes, forms, notices } = await run(connect, server(fault), { maxInFlight: 1 })
    expect(outcomes.every(({ status, attempts }) => status === 'fulfilled' && attempts === 1)).toBe(true)
    const weaker = 'json_object max_completion_tokens usage'
    expect(forms).toEqual([ALL, weaker, weaker, weaker, weaker])
    expect(notices).toHaveLength(1)
  })

  it('a cap that was not sent is not the reason of a refusal without words', async () => {
    const fault = (body: Received['body']) => ('stream_options' in body ? refused(422, 'No') : undefined)
    const { forms } = await run(connect, server(fault), { maxOutputTokens: undefined }, ['a'])
    expect(forms).toEqual(['json_schema usage', 'json_schema'])
  })

  it('requests in flight whose refusals are hidden make each step together', async () => {
    const { outcomes, forms, notices } = await run(connect, server(mistral('max_completion_tokens')))
    expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true)
    expect(forms.filter((form) => form === ALL)).toHaveLength(4)
    expect(forms.filter((form) => form === 'json_schema max_tokens usage')).toHaveLength(4)
    expect(notices).toHaveLength(1)
  })

  it('a server that refuses every form ends the stream, and is asked a bounded number of times', async () => {
    const client = connect(() => refused(400, { detail: 'No' }))
    await expect(collect(stringStream(client, { maxInFlight: 1 }), ['a'])).rejects.toMatchObject({
      code: 'bad_request',
    })
    // Each form once, and at the end the first form again.
    expect(client.requests.length).toBeLessThanOrEqual(6)
  })

  it('a record that is refused without words does not change the form of the others', async () => {
    const { outcomes, forms, notices } = await run(
      connect,
      (request) =>
        request.records.some(({ text }) => text === 'text 3')
          ? refused(400, { detail: 'No' })
          : answered(answerOf(request, ({ text }) => text)),
      { maxInFlight: 1 },
    )
    expect(outcomes.filter(({ status }) => status === 'rejected')).toMatchObject([{ record: 'text 3' }])
    expect(new Set(forms.slice(6))).toEqual(new Set([ALL]))
    expect(notices).toEqual([])
  })

  it.each([
    ['an error in the schema', "Invalid schema for response_format 'results': 'x' is not permitted"],
    ['another field', "Unsupported parameter: 'temperature'"],
  ])('%s is told to the user, not worked around', async (_what, message) => {
    const client = connect(() => refused(400, { error: { message, type: 'invalid_request_error' } }))
    await expect(collect(stringStream(client, { maxInFlight: 1 }), ['a'])).rejects.toMatchObject({
      code: 'bad_request',
      message: expect.stringContaining(message.slice(0, 20)) as string,
    })
    expect(new Set(client.requests.map(({ body }) => formOf(body))).size).toBe(1)
  })
})
