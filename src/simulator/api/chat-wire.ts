import type { ChatRequest } from './chat-request.ts'
import type { ErrorBody } from './errors.ts'
import type { PromptCount } from '../prompt.ts'

/** Sent as `system_fingerprint`, so that a log of the simulator cannot look like a model's log. */
const fingerprint = 'fp_simulator_not_a_model'

/** The usage of one answer. */
export type Usage = { prompt: PromptCount; completionTokens: number; reasoningTokens: number }

/** `length`: the answer was cut at the request's cap or at the end of the context. */
export type FinishReason = 'stop' | 'length' | 'content_filter'

/**
 * Writes one answer in the format of its API: as a stream by `start`, `delta` and `end`, or in one
 * piece by `whole`.
 */
export type Writer = {
  /** Returns everything before the first token. */
  start(): string
  /** Returns one token. */
  delta(token: string): string
  /** Returns everything after the last token. */
  end(reason: FinishReason, usage: Usage): string
  /** The body of an answer that is not streamed. */
  whole(content: string, reason: FinishReason, usage: Usage): string
  /** Returns one token of a refusal. */
  refusal(token: string): string
  /** The body of a refusal that is not streamed. */
  wholeRefusal(refusal: string, reason: FinishReason, usage: Usage): string
  /** Returns an error that comes after status 200. */
  error(body: ErrorBody): string
}

/** Writes the parts of one completion, streamed or in one piece. */
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
    // The common part of all token events is made only once, because there are thousands of events
    // per second.
    this.#chunkStart = `data: ${head},"choices":[{"index":0,"delta":`
    this.#chunkEnd = `]${request.includeUsage ? ',"usage":null' : ''}}\n\n`
  }

  /** Returns the first event: a delta with the role. */
  start(): string {
    return this.#chunk('{"role":"assistant","content":"","refusal":null}', 'null')
  }

  /** Returns one event for one token. */
  delta(token: string): string {
    return this.#chunk(`{"content":${JSON.stringify(token)}}`, 'null')
  }

  /**
   * Returns everything after the last token: the finish reason, the usage if requested, and the end
   * mark.
   */
  end(reason: FinishReason, usage: Usage): string {
    const finish = this.#chunk('{}', `"${reason}"`)
    const last = { ...this.#head('chat.completion.chunk'), choices: [], usage: usageBody(usage) }
    return `${finish}${this.#includeUsage ? `data: ${JSON.stringify(last)}\n\n` : ''}data: [DONE]\n\n`
  }

  /** The body of an answer that is not streamed. */
  whole(content: string, reason: FinishReason, usage: Usage): string {
    return this.#whole({ content, refusal: null }, reason, usage)
  }

  /** Returns one event for one token of a refusal. */
  refusal(token: string): string {
    return this.#chunk(`{"refusal":${JSON.stringify(token)}}`, 'null')
  }

  /** The body of a refusal that is not streamed. */
  wholeRefusal(refusal: string, reason: FinishReason, usage: Usage): string {
    return this.#whole({ content: null, refusal }, reason, usage)
  }

  /**
   * Returns an error event that comes after status 200. `body` is the body of an error response.
   */
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

function usageBody({ prompt, completionTokens, reasoningTokens }: Usage) {
  return {
    prompt_tokens: prompt.tokens,
    completion_tokens: completionTokens,
    total_tokens: prompt.tokens + completionTokens,
    prompt_tokens_details: { cached_tokens: prompt.cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}
