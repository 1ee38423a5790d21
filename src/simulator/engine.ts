import type { ServerResponse } from 'node:http'
import { Answerer } from './answer/answer.ts'
import type { Api } from './api.ts'
import { ApiError, promptTooLong } from './errors.ts'
import { firstTokenDelay, WorkClock } from './latency.ts'
import { RateLimits, type Refusal, tokenCharge } from './limits.ts'
import type { ResolvedOptions } from './options.ts'
import { type Paced, runPaced, type Sink } from './pace.ts'
import { PromptCache, type PromptCount } from './prompt.ts'
import { type AnyRequest, parseRequest, writerFor } from './protocol.ts'
import { emptyStats, type SimulatorStats } from './stats.ts'
import { splitTokens } from './tokens.ts'
import { type Answer, streamSink, wholeSink } from './sinks.ts'

/** Answers requests to either API: everything of the simulator that is not HTTP routing. */
export class Engine {
  readonly stats: SimulatorStats = emptyStats()
  readonly #options: ResolvedOptions
  readonly #limits: RateLimits
  readonly #clock: WorkClock
  readonly #answerer = new Answerer()
  readonly #cache = new PromptCache()
  readonly #running = new Map<ServerResponse, Paced>()

  constructor(options: ResolvedOptions) {
    this.#options = options
    this.#limits = new RateLimits(options.limits, performance.now())
    this.#clock = new WorkClock(options.latency, performance.now())
  }

  /** The rate-limit headers of a response that leaves now. */
  rateHeaders(): Record<string, string> {
    return this.#limits.headers(performance.now())
  }

  /** Stops every running answer where it is. */
  stop(): void {
    for (const paced of this.#running.values()) paced.stop()
    this.#running.clear()
    this.stats.inFlight = 0
  }

  /**
   * Answers one request that arrived at `arrivedAt` on the `performance.now()` clock. Throws an `ApiError` if it
   * is refused; after that nothing has been written.
   */
  answer(api: Api, body: string, arrivedAt: number, response: ServerResponse): void {
    this.stats.requests++
    const request = parseRequest(api, body)
    this.#charge(request)
    response.setHeaders(new Map(Object.entries(this.rateHeaders())))
    const prompt = this.#countPrompt(request)
    const text = this.#answerer.answer(request)

    const all = splitTokens(text)
    const room = this.#options.contextTokens - prompt.tokens
    const tokens = all.slice(0, Math.min(request.maxTokens ?? Infinity, room))
    const reason = tokens.length < all.length ? 'length' : 'stop'
    this.stats.inputTokens += prompt.tokens
    this.stats.cachedTokens += prompt.cached
    this.#write(request, { tokens, reason, prompt }, arrivedAt, response)
  }

  #charge(request: AnyRequest): void {
    const characters = request.messages.reduce((sum, message) => sum + message.text.length, 0)
    const refusal = this.#limits.take(performance.now(), tokenCharge(characters, request.maxTokens))
    if (refusal === undefined) return
    this.stats.rateLimited++
    throw rateLimitError(refusal, request.model)
  }

  #countPrompt({ api, messages, format }: AnyRequest): PromptCount {
    // As at OpenAI, a schema is part of the prompt, in front of everything else.
    const schema = format.type === 'json_schema' ? [format.json] : []
    const prompt = this.#cache.count([...schema, ...messages.map(({ role, text }) => `${role}\n${text}`)])
    const { contextTokens } = this.#options
    if (prompt.tokens <= contextTokens) return prompt
    throw promptTooLong(api, contextTokens, prompt.tokens)
  }

  #write(request: AnyRequest, answer: Answer, arrivedAt: number, response: ServerResponse): void {
    const { stats } = this
    const { latency } = this.#options
    const { tokens, prompt } = answer
    const writer = writerFor(request, stats.requests, Math.floor(Date.now() / 1000))
    const output = request.stream ? streamSink(response, writer, answer) : wholeSink(response, writer, answer)
    const leave = () => {
      this.#running.delete(response)
      this.#setInFlight(stats.inFlight - 1)
    }
    const sink: Sink = {
      send: (from, to) => {
        stats.outputTokens += to - from
        return output.send(from, to)
      },
      finish: () => {
        leave()
        stats.completed++
        output.finish()
      },
    }

    if (request.stream) stats.streamed++
    this.#setInFlight(stats.inFlight + 1)
    const firstAt = arrivedAt + firstTokenDelay(latency, prompt.tokens - prompt.cached)
    const running = runPaced({ total: tokens.length, firstAt, latency, clock: this.#clock, sink })
    // An answer that takes no time is finished already.
    if (response.writableEnded) return
    this.#running.set(response, running)
    response.on('drain', () => {
      running.resume()
    })
    response.on('close', () => {
      running.stop()
      if (!this.#running.has(response)) return
      leave()
      stats.aborted++
    })
  }

  #setInFlight(inFlight: number): void {
    this.stats.inFlight = inFlight
    this.stats.maxInFlight = Math.max(this.stats.maxInFlight, inFlight)
    this.#clock.setInFlight(performance.now(), inFlight)
  }
}

function rateLimitError({ kind, limit, used, requested, wait }: Refusal, model: string): ApiError {
  const name = kind === 'requests' ? 'requests per min (RPM)' : 'tokens per min (TPM)'
  const details = { type: kind, code: 'rate_limit_exceeded' }
  if (wait === undefined) {
    const message =
      `Request too large for ${model} in the simulator on ${name}: Limit ${limit}, Requested ${requested}. ` +
      'The input or output tokens must be reduced in order to run successfully.'
    return new ApiError(429, message, details)
  }
  const message =
    `Rate limit reached for ${model} in the simulator on ${name}: Limit ${limit}, Used ${used}, ` +
    `Requested ${requested}. Please try again in ${wait}ms.`
  const headers = { 'retry-after': String(Math.ceil(wait / 1000)), 'retry-after-ms': String(wait) }
  return new ApiError(429, message, { ...details, headers })
}
