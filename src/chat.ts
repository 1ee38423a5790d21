import type {
  ChatCompletionChunk,
  ChatCompletionCreateParamsStreaming,
} from 'openai/resources/chat/completions'
import type { JsonSchema } from './strict-schema.ts'

/** The part of an `OpenAI` client that is used: any wrapper or stand-in with this method will do. */
export interface ChatClient {
  readonly chat: {
    readonly completions: {
      create(
        body: ChatCompletionCreateParamsStreaming,
        options?: { signal?: AbortSignal; maxRetries?: number },
      ): PromiseLike<AsyncIterable<ChatCompletionChunk>>
    }
  }
}

/** What every pack decides for itself; such fields of a request cannot be passed through. */
export const OWN_FIELDS = [
  ...['model', 'messages', 'stream', 'response_format', 'n', 'max_completion_tokens', 'max_tokens'],
  ...['tools', 'tool_choice', 'functions', 'function_call'],
] as const

/** Fields of the API's request that are passed through as they are. */
export type RequestFields = Omit<ChatCompletionCreateParamsStreaming, (typeof OWN_FIELDS)[number]>

/** Builds the request for one pack. Everything but the last message is the same for every pack. */
export function chatRequest(
  model: string,
  system: string,
  user: string,
  jsonSchema: JsonSchema,
  maxOutputTokens: number | undefined,
  fields: RequestFields,
): ChatCompletionCreateParamsStreaming {
  return {
    ...fields,
    model,
    messages: [
      { role: 'system', content: system },
      { role: 'user', content: user },
    ],
    response_format: {
      type: 'json_schema',
      json_schema: { name: 'results', strict: true, schema: jsonSchema },
    },
    ...(maxOutputTokens === undefined ? {} : { max_completion_tokens: maxOutputTokens }),
    stream: true,
    stream_options: { ...fields.stream_options, include_usage: true },
  }
}

/** Tokens of one request, as the API counted them. */
export interface Usage {
  readonly input: number
  /** Of `input`: read from the provider's prompt cache. */
  readonly cached: number
  readonly output: number
  /** Of `output`: spent on thinking. */
  readonly reasoning: number
}

/** What is known of an answer, filled in while it is read, so that nothing is lost where it breaks off. */
export interface Answer {
  /** Whether any of it has come, so that its prompt was paid for. */
  hasBegun: boolean
  /** The API's id of it. */
  responseId: string | undefined
  /** `undefined` where the stream ended without one: it was cut. */
  finishReason: string | undefined
  refused: boolean
  usage: Usage | undefined
}

export function emptyAnswer(): Answer {
  return { hasBegun: false, responseId: undefined, finishReason: undefined, refused: false, usage: undefined }
}

/**
 * Reads a streamed answer to its end, also past the finish reason, since usage comes after it.
 *
 * @param onText Called with each piece of text. Reading waits for the promise, if there is one.
 */
export async function readChat(
  stream: AsyncIterable<ChatCompletionChunk>,
  signal: AbortSignal,
  answer: Answer,
  onText: (text: string) => Promise<void> | undefined,
): Promise<void> {
  for await (const chunk of stream) {
    // The SDK ends by itself; a stand-in that does not know the signal is left here.
    if (signal.aborted) break
    answer.hasBegun = true
    answer.responseId ??= chunk.id
    if (chunk.usage) {
      const input = countOf(chunk.usage.prompt_tokens)
      answer.usage = {
        input,
        cached: Math.min(input, countOf(chunk.usage.prompt_tokens_details?.cached_tokens)),
        output: countOf(chunk.usage.completion_tokens),
        reasoning: countOf(chunk.usage.completion_tokens_details?.reasoning_tokens),
      }
    }
    // Some gateways leave `choices` or `delta` out, or send text in parts, whatever the types say.
    const choice = (chunk.choices as LooseChoice[] | undefined)?.[0]
    if (!choice) continue
    if (choice.finish_reason) answer.finishReason = choice.finish_reason
    const { content, refusal } = choice.delta ?? {}
    if (refusal) answer.refused = true
    if (typeof content === 'string' && content !== '') {
      const wait = onText(content)
      if (wait) await wait
    }
  }
}

/** Compatible servers leave counts out, or send something else. */
function countOf(tokens: unknown): number {
  return Number.isSafeInteger(tokens) ? Math.max(0, tokens as number) : 0
}

interface LooseChoice {
  readonly finish_reason?: string | null
  readonly delta?: { readonly content?: unknown; readonly refusal?: unknown }
}
