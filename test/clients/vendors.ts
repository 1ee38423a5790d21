import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { recordsOf, type Call } from '../helpers/scripted-client.ts'
import type { AiSdkModel } from 'llm-pack-stream/ai-sdk'

/** The answer of a vendor's server, before it is written in the vendor's form. */
export interface VendorAnswer {
  readonly pieces: readonly string[] | AsyncIterable<string>
  readonly finish?: 'stop' | 'length' | 'filtered'
  /** An error inside the answer, after the pieces. */
  readonly isOverloaded?: boolean
}

/** A refusal of the request. */
export interface VendorError {
  readonly status: number
  readonly message: string
}

/** One request, as the vendor's server sees it. */
export interface VendorCall {
  readonly number: number
  readonly body: Body
  readonly records: Call['records']
  /** Resolves when the client has closed the connection. */
  readonly closed: Promise<unknown>
}

export type Script = (call: VendorCall) => VendorAnswer | VendorError
type Body = Readonly<Record<string, unknown>>

/** How a vendor writes: taken from recorded answers of its API. */
export interface Vendor {
  readonly model: (connect: { baseURL: string; apiKey: string }) => AiSdkModel
  /** The text of the user message. */
  readonly prompt: (body: Body) => string
  readonly write: (answer: VendorAnswer, send: (data: object) => void) => Promise<void>
  readonly fail: (error: VendorError) => object
  /** The schema and the output cap of a request. */
  readonly schema: (body: Body) => unknown
  readonly cap: (body: Body) => unknown
}

/** The tokens of each answer: 80 of the input were cached, and 12 of the output were a thought. */
export const USAGE = { input: 200, cached: 80, output: 42, reasoning: 12 }

const anthropic: Vendor = {
  model: (connect) => createAnthropic(connect)('claude-haiku-4-5'),
  prompt: ({ messages }) => (messages as { content: { text: string }[] }[]).at(-1)!.content[0]!.text,
  schema: ({ output_config }) => (output_config as { format: { schema: unknown } }).format.schema,
  cap: ({ max_tokens }) => max_tokens,
  fail: ({ status, message }) => ({
    type: 'error',
    error: { type: status === 429 ? 'rate_limit_error' : 'authentication_error', message },
    request_id: 'req_011CT',
  }),
  write: async ({ pieces, finish = 'stop', isOverloaded = false }: VendorAnswer, send) => {
    const { input, cached, output, reasoning } = USAGE
    const usage = { input_tokens: input - cached, cache_creation_input_tokens: 0, output_tokens: 1 }
    const message = {
      id: 'msg_01XFDUDYJgAACzvnptvVoYEL',
      type: 'message',
      role: 'assistant',
      content: [] as object[],
    }
    const whole = { ...message, model: 'claude-haiku-4-5', stop_reason: null, stop_sequence: null }
    send({
      type: 'message_start',
      message: { ...whole, usage: { ...usage, cache_read_input_tokens: cached } },
    })
    const thought = { type: 'thinking', thinking: '', signature: '' }
    send({ type: 'content_block_start', index: 0, content_block: thought })
    send({ type: 'ping' })
    send({ type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm.' } })
    send({ type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'EqQB' } })
    send({ type: 'content_block_stop', index: 0 })
    send({ type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } })
    for await (const piece of pieces as AsyncIterable<string>) {
      send({ type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: piece } })
    }
    if (isOverloaded) {
      send({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })
      return
    }
    send({ type: 'content_block_stop', index: 1 })
    const stop_reason = { stop: 'end_turn', length: 'max_tokens', filtered: 'refusal' }[finish]
    const ended = { output_tokens: output, output_tokens_details: { thinking_tokens: reasoning } }
    send({ type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: ended })
    send({ type: 'message_stop' })
  },
}

const google: Vendor = {
  model: (connect) => createGoogleGenerativeAI(connect)('gemini-2.5-flash'),
  prompt: ({ contents }) => (contents as { parts: { text: string }[] }[]).at(-1)!.parts[0]!.text,
  schema: ({ generationConfig }) => (generationConfig as Body)['responseJsonSchema'],
  cap: ({ generationConfig }) => (generationConfig as Body)['maxOutputTokens'],
  fail: ({ status, message }) => ({
    error: {
      ...{ code: status, message, status: status === 429 ? 'RESOURCE_EXHAUSTED' : 'UNAUTHENTICATED' },
      details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '0.01s' }],
    },
  }),
  write: async ({ pieces, finish = 'stop', isOverloaded = false }: VendorAnswer, send) => {
    const { input, cached, output, reasoning } = USAGE
    const usageMetadata = {
      ...{ promptTokenCount: input, cachedContentTokenCount: cached, thoughtsTokenCount: reasoning },
      ...{ candidatesTokenCount: output - reasoning, totalTokenCount: input + output },
    }
    const chunk = (parts: object[], finishReason?: string) => {
      const candidate = { content: { parts, role: 'model' }, finishReason, index: 0 }
      send({ candidates: [candidate], usageMetadata, modelVersion: 'gemini-2.5-flash', responseId: 'aQzR' })
    }
    chunk([{ text: 'Hm.', thought: true }])
    for await (const piece of pieces as AsyncIterable<string>) chunk([{ text: piece }])
    if (isOverloaded) {
      send({ error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } })
      return
    }
    chunk([{ text: '' }], { stop: 'STOP', length: 'MAX_TOKENS', filtered: 'SAFETY' }[finish])
  },
}

export const vendors = { anthropic, google }

/** A server on loopback that writes as a vendor does. */
export async function startVendor(
  vendor: Vendor,
  script: Script,
): Promise<AsyncDisposable & { model: AiSdkModel; calls: VendorCall[] }> {
  const calls: VendorCall[] = []
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const body = JSON.parse(await text(incoming)) as Body
      const records = recordsOf({ messages: [{ role: 'user', content: vendor.prompt(body) }] })
      const call = { number: calls.length, body, records, closed: once(outgoing, 'close') }
      calls.push(call)
      await respond(vendor, script(call), outgoing)
    })()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    model: vendor.model({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: KEY }),
    calls,
    [Symbol.asyncDispose]: () => {
      server.close()
      server.closeAllConnections()
      return Promise.resolve()
    },
  }
}

export const KEY = 'sk-Zq8KpWm4TnXc71LrVb'

async function respond(vendor: Vendor, answer: VendorAnswer | VendorError, outgoing: ServerResponse) {
  if ('status' in answer) {
    const type = { 'content-type': 'application/json', 'retry-after-ms': '10' }
    outgoing.writeHead(answer.status, type).end(JSON.stringify(vendor.fail(answer)))
    return
  }
  outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
  await vendor.write(answer, (data) => {
    const { type } = data as { type?: string }
    outgoing.write(`${type === undefined ? '' : `event: ${type}\n`}data: ${JSON.stringify(data)}\n\n`)
  })
  outgoing.end()
}
