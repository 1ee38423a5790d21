import type { ServerResponse } from 'node:http'
import { Answerer, lastUserText } from './answer/answer.ts'
import { findRecords } from './answer/records.ts'
import type { Api } from './api/api.ts'
import type { Usage } from './api/chat-wire.ts'
import { ApiError, promptTooLong } from './api/errors.ts'
import { type Script, scriptFor } from './faults/damage.ts'
import { FaultPlan, type Plan, soundPlan } from './faults/plan.ts'
import { replyFor } from './faults/replies.ts'
import { isBreakOff, scriptSink } from './faults/sink.ts'
import { firstTokenDelay, WorkClock } from './latency.ts'
import { RateLimits, type Refusal, tokenCharge } from './limits.ts'
import type { ResolvedOptions } from './options.ts'
import { type Paced, runPaced, type Sink } from './pace.ts'
import { PromptCache, type PromptCount } from './prompt.ts'
import { type AnyRequest, parseRequest, writerFor } from './api/protocol.ts'
import { QualityModel } from './quality/model.ts'
import { emptyStats, type SimulatorStats } from './stats.ts'

/** An answer that is complete before its first token is written. */
type Scripted = { script: Script; plan: Plan; usage: Usage }

/** Answers requests to either API. Holds everything of the simulator except HTTP routing. */
export class Engine {
  readonly stats: SimulatorStats = emptyStats()
  readonly #options: ResolvedOptions
  readonly #limits: RateLimits
  readonly #clock: WorkClock
  readonly #answerer: Answerer
  readonly #cache = new PromptCache()
  readonly #faults: FaultPlan | undefined
  readonly #running = new Map<ServerResponse, Paced>()

  constructor(options: ResolvedOptions) {
    this.#options = options
    this.#limits = new RateLimits(options.limits, performance.now())
    this.#faults = options.faults && new FaultPlan(options.faults)
    this.#answerer = new Answerer(options.quality && new QualityModel(options.quality, this.stats.quality))
    this.#clock = new WorkClock(options.latency, performance.now())
  }

  /** The rate-limit headers for a response that is sent now. */
  rateHeaders(): Record<string, string> {
    return this.#limits.headers(performance.now())
  }

  /** Stops every running answer at its current token. */
  stop(): void {
    for (const paced of this.#running.values()) paced.stop()
    this.#running.clear()
    this.stats.inFlight = 0
  }

  /**
   * Answers one request. `arrivedAt` is its arrival by `performance.now()`. Throws an `ApiError`
   * before any output if the request is refused or a fault takes its place.
   */
  answer(api: Api, body: string, arrivedAt: number, response: ServerResponse): void {
    this.stats.requests++
    const request = parseRequest(api, body)
    this.#charge(request)
    response.setHeaders(new Map(Object.entries(this.rateHeaders())))
    const plan = this.#faults?.next(lastUserText(request.messages)) ?? soundPlan
    if (this.#fails(plan, response)) return
    const prompt = this.#countPrompt(request)
    const text = this.#answerer.answer(request)

    const room = Math.min(request.maxTokens ?? Infinity, this.#options.contextTokens - prompt.tokens)
    const thoughts = Math.min(room, this.#thoughtsAbout(request))
    const script = scriptFor(text, room - thoughts, plan)
    // The client does not see the thoughts, but waits and pays for them.
    script.tokens = [...Array<string>(thoughts).fill(''), ...script.tokens]
    for (const name of script.done) this.stats.faults[name]++
    this.stats.inputTokens += prompt.tokens
    this.stats.cachedTokens += prompt.cached
    const usage = { prompt, completionTokens: script.tokens.length, reasoningTokens: thoughts }
    this.#write(request, { script, plan, usage }, arrivedAt, response)
  }

  #thoughtsAbout({ messages }: AnyRequest): number {
    const { perRequest, perRecord } = this.#options.reasoning
    if (perRecord === 0) return perRequest
    return perRequest + perRecord * findRecords(lastUserText(messages)).records.length
  }

  /** Whether a fault has replaced the answer. Throws the fault if it is an `ApiError`. */
  #fails({ faults, random }: Plan, response: ServerResponse): boolean {
    const [fault] = faults
    if (fault === undefined) return false
    const reply = replyFor(fault, random)
    if (reply === undefined) return false
    this.stats.faults[fault.name]++
    if (!(reply instanceof ApiError)) {
      reply(response)
      return true
    }
    if (reply.status === 429) this.stats.rateLimited++
    throw reply
  }

  #charge(request: AnyRequest): void {
    const characters = request.messages.reduce((sum, message) => sum + message.text.length, 0)
    const charge = tokenCharge(characters, request.maxTokens)
    const refusal = this.#limits.take(performance.now(), charge)
    if (refusal === undefined) {
      this.stats.chargedTokens += charge
      return
    }
    this.stats.rateLimited++
    throw rateLimitError(refusal, request.model)
  }

  #countPrompt({ api, messages, format }: AnyRequest): PromptCount {
    // The schema is the first part of the prompt, like at OpenAI.
    const schema = format.type === 'json_schema' ? [format.json] : []
    const prompt = this.#cache.count([...schema, ...messages.map(({ role, text }) => `${role}\n${text}`)])
    const { contextTokens } = this.#options
    if (prompt.tokens <= contextTokens) return prompt
    throw promptTooLong(api, contextTokens, prompt.tokens)
  }

  #write(request: AnyRequest, answer: Scripted, arrivedAt: number, response: ServerResponse): void {
    const { stats } = this
    const { latency } = this.#options
    const { script, plan, usage } = answer
    const writer = writerFor(request, stats.requests, Math.floor(Date.now() / 1000))
    const output = scriptSink(script, plan, { response, writer, stream: request.stream, usage })
    // Typed as `boolean`, because the compiler does not see that the sink sets it.
    let isOver = false as boolean
    const leave = () => {
      isOver = true
      this.#running.delete(response)
      this.#setInFlight(stats.inFlight - 1)
    }
    const sink: Sink = {
      send: (from, to) => {
        stats.outputTokens += to - from
        return output.send(from, to)
      },
      finish: () => {
        // A stalled answer runs until the client closes the connection.
        if (script.ending !== 'stall') leave()
        if (!isBreakOff(script.ending)) stats.completed++
        output.finish()
      },
    }

    if (request.stream) stats.streamed++
    this.#setInFlight(stats.inFlight + 1)
    const firstAt = arrivedAt + firstTokenDelay(latency, usage.prompt.tokens - usage.prompt.cached)
    const running = runPaced({ total: script.tokens.length, firstAt, latency, clock: this.#clock, sink })
    // An answer without latency has already ended.
    if (isOver) return
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
