import type {
  ChatCompletionChunk,
  ChatCompletionCreateParamsStreaming,
} from 'openai/resources/chat/completions'
import type { ChatClient } from 'llm-pack-stream'

/** One request as the client got it. */
export interface Call {
  /** From 0. */
  readonly number: number
  readonly body: ChatCompletionCreateParamsStreaming
  readonly signal: AbortSignal
  readonly records: readonly { id: number; text: string }[]
}

/** What the scripted model answers. `text` may come in pieces; a thrown error breaks the stream off. */
export interface Answer {
  readonly text?: string | Iterable<string> | AsyncIterable<string>
  readonly refusal?: string
  /** Default: `stop`. `null`: the stream ends without one. */
  readonly finishReason?: string | null
  /** Default: 100 and 10 tokens. `null`: never reported. */
  readonly usage?: { input: number; output: number; cached?: number; reasoning?: number } | null
  /** Thrown at the very end. */
  readonly breaksOff?: Error
}

export interface ScriptedClient extends ChatClient {
  readonly calls: Call[]
  /** Requests running now, and the most there ever were. */
  inFlight: number
  maxInFlight: number
}

/** A client without a network: each request is answered by the script. Ends silently when aborted, as the SDK does. */
export function scriptedClient(script: (call: Call) => Answer | Promise<Answer>): ScriptedClient {
  const calls: Call[] = []
  const client: ScriptedClient = {
    calls,
    inFlight: 0,
    maxInFlight: 0,
    chat: {
      completions: {
        async create(body, options) {
          const signal = options?.signal ?? new AbortController().signal
          const call = { number: calls.length, body, signal, records: recordsOf(body) }
          calls.push(call)
          client.inFlight += 1
          client.maxInFlight = Math.max(client.maxInFlight, client.inFlight)
          try {
            return chunks(call, await script(call), () => (client.inFlight -= 1))
          } catch (error) {
            client.inFlight -= 1
            throw error
          }
        },
      },
    },
  }
  return client
}

async function* chunks(call: Call, answer: Answer, onEnd: () => void): AsyncGenerator<ChatCompletionChunk> {
  const base = {
    id: `answer-${call.number}`,
    created: 0,
    model: call.body.model,
    object: 'chat.completion.chunk' as const,
  }
  const chunk = (delta: object, finish_reason: string | null = null) =>
    ({ ...base, choices: [{ index: 0, delta, finish_reason }] }) as ChatCompletionChunk
  try {
    yield chunk({ role: 'assistant', content: '' })
    const { text = '', refusal, finishReason = 'stop', usage = { input: 100, output: 10 } } = answer
    if (refusal !== undefined) yield chunk({ refusal })
    for await (const content of typeof text === 'string' ? [text] : text) {
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
  } finally {
    onEnd()
  }
}

/** The records of a request, read as a model would: by the tag that the user message names. */
export function recordsOf(body: {
  messages: readonly { role: string; content?: unknown }[]
}): Call['records'] {
  const content = body.messages.at(-1)?.content as string
  const tag = /in <([\w-]+)> tags/.exec(content)?.[1] ?? 'record'
  const pattern = new RegExp(`<${tag} id="(\\d+)">([\\s\\S]*?)</${tag}>`, 'g')
  return Array.from(content.matchAll(pattern), ([, id, text]) => ({ id: Number(id), text: text ?? '' }))
}

/** The answer in which every record's value is the one given. */
export function answerOf(call: Call, value: (record: { id: number; text: string }) => unknown): string {
  const elements = call.records.map((record) => JSON.stringify({ id: record.id, value: value(record) }))
  return `{"results":[${elements.join(',')}]}`
}

/** A model that echoes each record's text as its value, for `schema: z.string()`. */
export const echo = (call: Call): Answer => ({ text: answerOf(call, ({ text }) => text) })
