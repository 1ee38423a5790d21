import type {
  ChatCompletionChunk,
  ChatCompletionCreateParamsStreaming,
} from 'openai/resources/chat/completions'
import type { ResponseCreateParamsStreaming, ResponseStreamEvent } from 'openai/resources/responses/responses'
import type { ChatClient, ResponsesClient } from 'llm-pack-stream'

/** One request that the client received. */
export interface Call<Body = ChatCompletionCreateParamsStreaming> {
  /** Number of the request, from 0. */
  readonly number: number
  readonly body: Body
  readonly signal: AbortSignal
  readonly records: readonly { id: number; text: string }[]
}

/**
 * The answer of the scripted model. `text` may come in pieces. A thrown error breaks the stream
 * off.
 */
export interface Answer {
  readonly text?: string | Iterable<string> | AsyncIterable<string>
  readonly refusal?: string
  /** Number of reasoning events before the text. Default: 0. */
  readonly thoughts?: number
  /** The finish reason. Default: `stop`. `null`: the stream ends without a finish reason. */
  readonly finishReason?: string | null
  /** The reported usage. Default: 100 input and 10 output tokens. `null`: no usage is reported. */
  readonly usage?: { input: number; output: number; cached?: number; reasoning?: number } | null
  /** An error that is thrown at the end of the answer. */
  readonly breaksOff?: Error
}

interface Log<Body> {
  readonly calls: Call<Body>[]
  /** Number of running requests, and the largest number so far. */
  inFlight: number
  maxInFlight: number
}

export interface ScriptedClient extends ChatClient, Log<ChatCompletionCreateParamsStreaming> {}

export interface ScriptedResponsesClient extends ResponsesClient, Log<ResponseCreateParamsStreaming> {}

/**
 * A client without a network: the script answers each request. An aborted answer ends without an
 * error, like in the SDK.
 */
export function scriptedClient(script: (call: Call) => Answer | Promise<Answer>): ScriptedClient {
  const log = emptyLog<ChatCompletionCreateParamsStreaming>()
  return Object.assign(log, { chat: { completions: { create: respond(log, script, recordsOf, chunks) } } })
}

/** The same client for the Responses API. */
export function scriptedResponses(
  script: (call: Call<ResponseCreateParamsStreaming>) => Answer | Promise<Answer>,
): ScriptedResponsesClient {
  const log = emptyLog<ResponseCreateParamsStreaming>()
  const records = ({ input }: ResponseCreateParamsStreaming) => recordsOf({ messages: input as [] })
  return Object.assign(log, { responses: { create: respond(log, script, records, responseEvents) } })
}

function emptyLog<Body>(): Log<Body> {
  return { calls: [], inFlight: 0, maxInFlight: 0 }
}

function respond<Body, Event>(
  log: Log<Body>,
  script: (call: Call<Body>) => Answer | Promise<Answer>,
  records: (body: Body) => Call['records'],
  write: (call: Call<Body>, answer: Answer) => AsyncGenerator<Event>,
) {
  async function* counted(call: Call<Body>, answer: Answer): AsyncGenerator<Event> {
    try {
      yield* write(call, answer)
    } finally {
      log.inFlight -= 1
    }
  }
  return async (body: Body, options: { signal?: AbortSignal } = {}): Promise<AsyncIterable<Event>> => {
    const signal = options.signal ?? new AbortController().signal
    const call = { number: log.calls.length, body, signal, records: records(body) }
    log.calls.push(call)
    log.inFlight += 1
    log.maxInFlight = Math.max(log.maxInFlight, log.inFlight)
    try {
      return counted(call, await script(call))
    } catch (error) {
      log.inFlight -= 1
      throw error
    }
  }
}

async function* chunks(call: Call, answer: Answer): AsyncGenerator<ChatCompletionChunk> {
  const base = {
    id: `answer-${call.number}`,
    created: 0,
    model: call.body.model,
    object: 'chat.completion.chunk' as const,
  }
  const chunk = (delta: object, finish_reason: string | null = null) =>
    ({ ...base, choices: [{ index: 0, delta, finish_reason }] }) as ChatCompletionChunk
  yield chunk({ role: 'assistant', content: '' })
  const { refusal, finishReason = 'stop', usage = { input: 100, output: 10 } } = answer
  for (let i = 0; i < (answer.thoughts ?? 0); i++) yield chunk({ reasoning_content: 'hm' })
  if (refusal !== undefined) yield chunk({ refusal })
  for await (const content of piecesOf(answer)) {
    if (call.signal.aborted) return
    yield chunk({ content })
  }
  if (finishReason !== null) yield chunk({}, finishReason)
  if (usage) {
    yield {
      ...base,
      choices: [],
      usage: {
        prompt_tokens: usage.input,
        completion_tokens: usage.output,
        total_tokens: usage.input + usage.output,
        prompt_tokens_details: { cached_tokens: usage.cached ?? 0 },
        completion_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
      },
    }
  }
  if (answer.breaksOff) throw answer.breaksOff
}

/** The status and reason of the Responses API for each finish reason of Chat Completions. */
const ENDS: Readonly<Record<string, { type: string; status: string; reason?: string }>> = {
  stop: { type: 'response.completed', status: 'completed' },
  length: { type: 'response.incomplete', status: 'incomplete', reason: 'max_output_tokens' },
  content_filter: { type: 'response.incomplete', status: 'incomplete', reason: 'content_filter' },
}

async function* responseEvents(
  call: Call<ResponseCreateParamsStreaming>,
  answer: Answer,
): AsyncGenerator<ResponseStreamEvent> {
  const event = (type: string, fields: object) => ({ type, ...fields }) as ResponseStreamEvent
  const response = { id: `answer-${call.number}`, status: 'in_progress', usage: null }
  yield event('response.created', { response })
  const { refusal, finishReason = 'stop', usage = { input: 100, output: 10 } } = answer
  for (let i = 0; i < (answer.thoughts ?? 0); i++) {
    yield event('response.reasoning_text.delta', { delta: 'hm' })
  }
  if (refusal !== undefined) yield event('response.refusal.delta', { delta: refusal })
  for await (const delta of piecesOf(answer)) {
    if (call.signal.aborted) return
    yield event('response.output_text.delta', { delta })
  }
  const end = ENDS[finishReason ?? '']
  if (end) {
    const { type, status, reason } = end
    yield event(type, {
      response: {
        ...response,
        status,
        incomplete_details: reason === undefined ? null : { reason },
        usage: usage && {
          input_tokens: usage.input,
          input_tokens_details: { cached_tokens: usage.cached ?? 0 },
          output_tokens: usage.output,
          output_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
        },
      },
    })
  }
  if (answer.breaksOff) throw answer.breaksOff
}

function piecesOf({ text = '' }: Answer): Iterable<string> | AsyncIterable<string> {
  return typeof text === 'string' ? [text] : text
}

/** Reads the records of a request like a model: by the tag that the user message names. */
export function recordsOf(body: {
  messages: readonly { role: string; content?: unknown }[]
}): Call['records'] {
  const content = fieldsOf(body).rest
  const tag = /in <([\w-]+)> tags/.exec(content)?.[1] ?? 'record'
  const pattern = new RegExp(`<${tag} id="(\\d+)">([\\s\\S]*?)</${tag}>`, 'g')
  return Array.from(content.matchAll(pattern), ([, id, text]) => ({ id: Number(id), text: text ?? '' }))
}

/** Reads the fields that the records of a request share, and what follows them. */
export function fieldsOf(body: { messages: readonly { role: string; content?: unknown }[] }): {
  readonly fields: Readonly<Record<string, string>>
  readonly rest: string
} {
  const content = body.messages.at(-1)?.content as string
  const tag = /^<(record(?:-\d+)?-field) name=/.exec(content)?.[1]
  if (tag === undefined) return { fields: {}, rest: content }
  const parts = content.split(`</${tag}>\n`)
  const rest = parts.pop() ?? ''
  const fields = parts.map((part): [string, string] => {
    const opening = new RegExp(`^<${tag} name=("(?:[^"\\\\]|\\\\.)*")>`).exec(part)
    if (!opening) throw new Error(`No opening tag at ${part}`)
    return [JSON.parse(opening[1] ?? '') as string, part.slice(opening[0].length)]
  })
  return { fields: Object.fromEntries(fields), rest }
}

/** Makes an answer in which each record has the given value. */
export function answerOf(
  call: Pick<Call, 'records'>,
  value: (record: { id: number; text: string }) => unknown,
): string {
  const elements = call.records.map((record) => JSON.stringify({ id: record.id, value: value(record) }))
  return `{"results":[${elements.join(',')}]}`
}

/** A model that returns each record's text as its value, for `schema: z.string()`. */
export const echo = (call: Pick<Call, 'records'>): Answer => ({ text: answerOf(call, ({ text }) => text) })
