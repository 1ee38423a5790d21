import type { ChatRequest } from './chat-request.ts'
import type { ErrorBody } from './errors.ts'
import type { PromptCount } from '../prompt.ts'

/** Sent as `system_fingerprint`, so that no log can be taken for a model's. */
const fingerprint = 'fp_simulator_not_a_model'

/** What one answer used. */
export type Usage = { prompt: PromptCount; completionTokens: number }

/** `length`: the answer was cut at the request's cap or the context's end. */
export type FinishReason = 'stop' | 'length' | 'content_filter'

/** Writes one answer as its API has it: as a stream by `start`, `delta` and `end`, or by `whole`. */
export type Writer = {
  /** Everything before the first token. */
  start(): string
  /** One token. */
  delta(token: string): string
  /** Everything after the last token. */
  end(reason: FinishReason, usage: Usage): string
  /** The body of an answer that is not streamed. */
  whole(content: string, reason: FinishReason, usage: Usage): string
  /** One token of a refusal. */
  refusal(token: string): string
  /** The body of a refusal that is not streamed. */
  wholeRefusal(refusal: string, reason: FinishReason, usage: Usage): string
  /** An error after the status said that all is well. */
  error(body: ErrorBody): string
}

/** Writes the parts of one completion, streamed or whole. */
export class CompletionWriter implements Writer {
  readonly #id: string
  readonly #created: number
  readonly #model: string
  readonly #includeUsage: boolean
  readonly #chunkStart: string
  readonly #chunkEnd: string

  /** `created` is in seconds since 1970. */
  constructor(request: ChatRequest, id: string, created: number) {
    this.#id = id
    this.#created = created
    this.#model = request.model
    this.#includeUsage = request.includeUsage
    const head = JSON.stringify(this.#head('chat.completion.chunk')).slice(0, -1)
    // What every token's event has in common is written once: there are thousands of them in a second.
    this.#chunkStart = `data: ${head},"choices":[{"index":0,"delta":`
    this.#chunkEnd = `]${request.includeUsage ? ',"usage":null' : ''}}\n\n`
  }

  /** The first event: a delta with the role. */
  start(): string {
    return this.#chunk('{"role":"assistant","content":"","refusal":null}', 'null')
  }

  /** One event for one token. */
  delta(token: string): string {
    return this.#chunk(`{"content":${JSON.stringify(token)}}`, 'null')
  }

  /** Everything after the last token: the finish reason, usage if asked for, and the end mark. */
  end(reason: FinishReason, usage: Usage): string {
    const finish = this.#chunk('{}', `"${reason}"`)
    const last = { ...this.#head('chat.completion.chunk'), choices: [], usage: usageBody(usage) }
    return `${finish}${this.#includeUsage ? `data: ${JSON.stringify(last)}\n\n` : ''}data: [DONE]\n\n`
  }

  /** The body of an answer that is not streamed. */
  whole(content: string, reason: FinishReason, usage: Usage): string {
    return this.#whole({ content, refusal: null }, reason, usage)
  }

  /** One event for one token of a refusal. */
  refusal(token: string): string {
    return this.#chunk(`{"refusal":${JSON.stringify(token)}}`, 'null')
  }

  /** The body of a refusal that is not streamed. */
  wholeRefusal(refusal: string, reason: FinishReason, usage: Usage): string {
    return this.#whole({ content: null, refusal }, reason, usage)
  }

  /** An event that tells of an error after the status said that all is well; `body` is that of an error's response. */
  error(body: ErrorBody): string {
    return `data: ${JSON.stringify(body)}\n\n`
  }

  #whole(
    said: { content: string | null; refusal: string | null },
    reason: FinishReason,
    usage: Usage,
  ): string {
    const message = { role: 'assistant', ...said, annotations: [] }
    const choice = { index: 0, message, logprobs: null, finish_reason: reason }
    return JSON.stringify({ ...this.#head('chat.completion'), choices: [choice], usage: usageBody(usage) })
  }

  #head(object: string) {
    return {
      id: this.#id,
      object,
      created: this.#created,
      model: this.#model,
      service_tier: 'default',
      system_fingerprint: fingerprint,
    }
  }

  #chunk(delta: string, finishReason: string): string {
    return `${this.#chunkStart}${delta},"logprobs":null,"finish_reason":${finishReason}}${this.#chunkEnd}`
  }
}

function usageBody({ prompt, completionTokens }: Usage) {
  return {
    prompt_tokens: prompt.tokens,
    completion_tokens: completionTokens,
    total_tokens: prompt.tokens + completionTokens,
    prompt_tokens_details: { cached_tokens: prompt.cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}
