import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import OpenAI from 'openai'
import OpenAI6 from 'openai-v6'
import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { PackStream, type PackStreamOptions } from 'llm-pack-stream'
import * as z from 'zod'
import { collect, patient } from '../helpers/collect.ts'
import { scriptedClient, type Answer } from '../helpers/scripted-client.ts'
import { idAt } from '../../src/request/ids.ts'

const key = 'sk-Key7Kq2vWx9ZmarkerOfTheKey'
const instructions = 'Echo. Say "PromptQj4hTx8marker"\nto nobody.'
/** Long texts, texts with characters that JSON escapes, and a short text. */
const records = [
  'My name is "RecordUw3pLz6marker"\nand that is all.',
  'RecordBn5dGy1markerSecond',
  'PIN 83-41',
  'Nv2"Zk4"Xw9"Hq5"Jt8',
]
/** Texts that must not appear anywhere. None of them needs an escape. */
const markers = ['Key7Kq2', 'PromptQj4', 'RecordUw3', 'RecordBn5', '83-41', 'Zk4', 'Xw9', 'Hq5']

/**
 * Everything that is printed. The SDKs keep their print functions, so the spies are never restored.
 */
let printed = ''
for (const method of ['debug', 'log', 'info', 'warn', 'error', 'trace', 'dir'] as const) {
  vi.spyOn(console, method).mockImplementation((...args: unknown[]) => {
    printed += args.map((arg) => (typeof arg === 'string' ? arg : inspect(arg))).join(' ')
  })
}
for (const output of [process.stdout, process.stderr]) {
  vi.spyOn(output, 'write').mockImplementation((chunk) => {
    printed += String(chunk)
    return true
  })
}
beforeEach(() => {
  printed = ''
})

/** Returns everything that a logger would write about a value. */
function shown(value: unknown): string {
  const parts = [inspect(value, { depth: 20 }), JSON.stringify(value), String(value)]
  if (value instanceof Error) parts.push(value.stack ?? '', value.message, shown(value.cause))
  return parts.join('\n')
}

const leaksIn = (text: string) => markers.filter((marker) => text.includes(marker))

type Options = Partial<PackStreamOptions<string, unknown>>

/**
 * Runs all records through a stream. Returns the errors, and everything that was published about
 * them.
 */
async function run(client: PackStreamOptions<string, unknown>['client'], options: Options = {}) {
  const events: unknown[] = []
  const listener = (event: unknown) => {
    events.push(event, shown(event))
  }
  for (const channel of ['request:start', 'request:end', 'element', 'outcome']) {
    const name = `llm-pack-stream:${channel}`
    subscribe(name, listener)
    onTestFinished(() => void unsubscribe(name, listener))
  }
  const stream = new PackStream<string, unknown>({
    ...patient,
    ...{ client, model: 'm', instructions, schema: z.string(), maxAttempts: 1 },
    ...{ examples: [{ record: 'RecordUw3pLz6', value: 'PromptQj4hTx8' }] },
    ...options,
  })
  const errors: Error[] = []
  try {
    for (const outcome of await collect(stream, records)) {
      if (outcome.status === 'rejected') errors.push(outcome.reason)
    }
  } catch (error) {
    errors.push(error as Error)
  }
  expect(events.length).toBeGreaterThan(0)
  return { errors, told: [...errors, ...events, stream.stats].map(shown).join('\n') }
}

const recordsIn = (user: string) => records.filter((record) => user.includes(record))

const messages: [string, (user: string) => string][] = [
  ['quotes the user message', (user) => `Bad input: ${user} is what you sent.`],
  ['quotes it as JSON', (user) => `Bad input: ${JSON.stringify(user)} is what you sent.`],
  ['quotes a record', (user) => `Bad input: ${recordsIn(user).join(' and ')} is what you sent.`],
  ['quotes a record on one line', (user) => `Bad input: ${recordsIn(user).join(' ').replaceAll('\n', ' ')}`],
  ['quotes the instructions', () => `Bad input: ${instructions} is what you sent.`],
  ['quotes the key', () => `Bad input: ${key} is what you sent.`],
  ['ends where it is cut in the middle of a quotation', () => `Bad input: ${'x'.repeat(475)}${key}`],
  ['quotes with other whitespace', () => `Bad input: ${records[0]?.replaceAll(' ', '\n\t ')}`],
]

const statuses: [number, string | undefined, object][] = [
  [400, 'bad_request', { code: null, type: 'invalid_request_error' }],
  [401, 'not_authorized', { code: 'invalid_api_key' }],
  [403, 'not_authorized', {}],
  [404, 'not_found', { code: 'model_not_found' }],
  [422, 'bad_request', {}],
  [429, 'insufficient_quota', { code: 'insufficient_quota' }],
  [500, undefined, { type: 'server_error', param: records[1] }],
  [503, undefined, { code: `overloaded by ${records[1] ?? ''}`, type: records[0] }],
  [400, undefined, { code: 'context_length_exceeded' }],
  [400, undefined, { code: 'content_filter' }],
]

const sdks = [
  ['openai 7', (baseURL: string) => new OpenAI({ baseURL, apiKey: key, maxRetries: 0 })],
  ['openai 6', (baseURL: string) => new OpenAI6({ baseURL, apiKey: key, maxRetries: 0 })],
] as const

describe.each(sdks)('through %s, a server that quotes its input', (_sdk, connect) => {
  let answer: (response: ServerResponse, user: string) => void = () => undefined
  const server = createServer((request, response) => {
    const body: Buffer[] = []
    request.on('data', (chunk: Buffer) => body.push(chunk))
    request.on('end', () => {
      const { messages } = JSON.parse(Buffer.concat(body).toString()) as { messages: { content: string }[] }
      answer(response, messages[1]?.content ?? '')
    })
  }).listen(0, '127.0.0.1')
  afterAll(() => server.close())

  async function served(by: typeof answer, options?: Options) {
    if (!server.listening) await once(server, 'listening')
    answer = by
    return run(connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`), options)
  }

  it.each(statuses.flatMap((status) => messages.map((message) => [...status, ...message] as const)))(
    'answers %i (%s, %o) and %s',
    async (status, code, fields, _quotes, quote) => {
      const { errors, told } = await served((response, user) => {
        response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req_1' })
        response.end(JSON.stringify({ error: { message: quote(user), ...fields } }))
      })
      expect(errors).not.toEqual([])
      expect(leaksIn(told)).toEqual([])
      expect(printed).toBe('')
      if (code === undefined) return
      // Text that is not a quotation stays.
      expect(errors).toMatchObject([{ name: 'PackStreamError', code, cause: { status, requestId: 'req_1' } }])
      expect(errors[0]?.message).toMatch(/The server said: ".*Bad input: /)
    },
  )

  it.each<[string, string, (user: string) => string]>([
    ['text', 'text/plain', (user) => `Cannot read ${user}`],
    ['a page', 'text/html', (user) => `<html><pre>${user} ${key}</pre></html>`],
    ['other JSON', 'application/json', (user) => JSON.stringify({ detail: [{ input: user, key }] })],
  ])('answers with %s', async (_name, type, quote) => {
    for (const status of [200, 400, 500]) {
      const { errors, told } = await served((response, user) => {
        response.writeHead(status, { 'content-type': type }).end(quote(user))
      })
      expect(errors).not.toEqual([])
      expect(leaksIn(told)).toEqual([])
      expect(printed).toBe('')
    }
  })

  it('answers 429 at first', async () => {
    let requests = 0
    const { errors, told } = await served((response, user) => {
      requests += 1
      const status = requests === 1 ? 429 : 500
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after-ms': '1' })
      response.end(JSON.stringify({ error: { message: `Too fast: ${user} ${key}` } }))
    })
    expect(requests).toBe(2)
    expect(errors).toHaveLength(records.length)
    expect(leaksIn(told)).toEqual([])
    expect(printed).toBe('')
  })

  it.each<[string, (user: string) => string]>([
    [
      'an error',
      (user) => `data: ${JSON.stringify({ error: { message: user, type: user, code: key } })}\n\n`,
    ],
    ['a named error', (user) => `event: error\ndata: ${JSON.stringify({ message: user, code: user })}\n\n`],
    [
      'an answer that is no JSON',
      (user) => `data: ${JSON.stringify({ choices: [{ delta: { content: user } }] })}\n\n`,
    ],
    ['an event that is cut', (user) => `data: {"choices":[{"delta":{"content":${JSON.stringify(user)}`],
  ])('sends %s inside the stream', async (_name, frames) => {
    const { errors, told } = await served((response, user) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(frames(user))
    })
    expect(errors).toHaveLength(records.length)
    expect(leaksIn(told)).toEqual([])
    expect(leaksIn(printed)).toEqual([])
  })

  it('sends an event that is not JSON', async () => {
    const { errors, told } = await served((response, user) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(`data: {"choices": oops ${user.replaceAll('\n', ' ')}\n\n`)
    })
    expect(errors).toHaveLength(records.length)
    expect(leaksIn(told)).toEqual([])
    // The SDK does not read the event. openai 6 would print it.
    expect(leaksIn(printed)).toEqual([])
  })
})

describe('a model that quotes its input', () => {
  it('in a refusal: the text is only in the property `refusal`', async () => {
    const refusal = `I will not read ${records.join()} as ${instructions} says.`
    const { errors, told } = await run(scriptedClient(() => ({ refusal })))
    expect(errors).toHaveLength(records.length)
    expect(errors).toMatchObject(errors.map(() => ({ code: 'refused', refusal })))
    expect(leaksIn(told)).toEqual([])
    expect(printed).toBe('')
  })

  const fields = z.strictObject({ label: z.enum(['a', 'b']), score: z.number().max(1), email: z.email() })
  const quote = records.join('')
  const good = { label: 'a', score: 1, email: 'a@example.com' }
  it.each<[string, object]>([
    ['in a value of another type', { ...good, score: quote }],
    ['in a value that is not listed', { ...good, label: quote }],
    ['in a text of another form', { ...good, email: quote }],
    ['in the name of a field', { ...good, [quote]: 1 }],
    ['in a list', { ...good, label: [quote] }],
  ])('%s', async (_name, value) => {
    const elements = records.map((_, i) => JSON.stringify({ id: idAt(i), ...value }))
    const client = scriptedClient(() => ({ text: `{"results":[${elements.join(',')}]}` }))
    const { errors, told } = await run(client, { schema: fields, examples: [] })
    expect(errors).toMatchObject(records.map(() => ({ code: 'invalid_result' })))
    expect(leaksIn(told)).toEqual([])
    expect(printed).toBe('')
  })

  it.each<[string, Answer]>([
    ['in an id', { text: `{"results":[{"id":${JSON.stringify(quote)},"value":"x"}]}` }],
    ['in an answer that is cut', { text: `{"results":[${JSON.stringify(quote)}`, finishReason: 'length' }],
    ['in an answer that the filter stops', { text: quote, finishReason: 'content_filter' }],
    ['in its finish reason', { text: '{', finishReason: quote }],
  ])('%s', async (_name, answer) => {
    const { errors, told } = await run(scriptedClient(() => answer))
    expect(errors).toHaveLength(records.length)
    expect(leaksIn(told)).toEqual([])
    expect(printed).toBe('')
  })
})

describe('a client that throws', () => {
  const text = `${records.join()} ${instructions} ${key}`
  const ways: [string, unknown][] = [
    [
      'an error with the text everywhere',
      Object.assign(new Error(text), { name: text, code: text, type: text, body: text }),
    ],
    [
      'an error with a cause',
      new TypeError('terminated', { cause: Object.assign(new Error(text), { code: 'ECONNRESET' }) }),
    ],
    ['a list of errors', new AggregateError([new Error(text)], text)],
    ['a text', text],
    ['an error with headers', Object.assign(new Error('x'), { headers: { authorization: key } })],
    [
      'an error with the whole request',
      Object.assign(new Error('x'), { status: 500, request: { body: text } }),
    ],
  ]
  it.each(ways)('%s: the text is only in the property `original`', async (_name, thrown) => {
    const client = scriptedClient(() => {
      throw thrown
    })
    const { errors, told } = await run(client)
    expect(errors).toMatchObject(records.map(() => ({ code: 'request_failed', cause: { original: thrown } })))
    expect(leaksIn(told)).toEqual([])
    expect(printed).toBe('')
  })
})

describe("a user's function that throws the text", () => {
  const throwing: [string, (text: string) => unknown][] = [
    ['as the message', (text) => new Error(text)],
    ['as the name', (text) => Object.assign(new Error('x'), { name: text })],
    ['as it is', (text) => text],
    ['as JSON.parse does', (text) => syntaxErrorOf(text)],
  ]
  function syntaxErrorOf(text: string): unknown {
    try {
      return JSON.parse(text)
    } catch (error) {
      return error
    }
  }
  const names = ['serialize', 'partition', 'countTokens'] as const
  it.each(names.flatMap((name) => throwing.map((way) => [name, ...way] as const)))(
    '%s, %s',
    async (name, _way, thrown) => {
      const originals: unknown[] = []
      const fail = (text: string) => {
        // The prompt and the examples are read when the stream is constructed.
        if (!records.some((record) => text.includes(record))) return name === 'countTokens' ? 1 : text
        originals.push(thrown(text))
        throw originals.at(-1)
      }
      const { errors, told } = await run(
        scriptedClient(() => ({})),
        { [name]: fail },
      )
      expect(errors).toMatchObject(originals.map((original) => ({ code: 'invalid_record', original })))
      expect(errors).toHaveLength(records.length)
      expect(leaksIn(told)).toEqual([])
      expect(printed).toBe('')
    },
  )

  it('the schema', async () => {
    const schema = z.string().transform((text) => {
      throw Object.assign(new Error(text), { name: text })
    })
    const elements = records.map((value, i) => JSON.stringify({ id: idAt(i), value }))
    const client = scriptedClient(() => ({ text: `{"results":[${elements.join(',')}]}` }))
    const { errors, told } = await run(client, { schema: schema, examples: [] })
    expect(errors).toMatchObject(records.map(() => ({ code: 'invalid_result' })))
    expect(leaksIn(told)).toEqual([])
  })
})
