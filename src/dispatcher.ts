import type { Usage } from './answer.ts'
import { publish } from './diagnostics.ts'
import type { Entry } from './entry.ts'
import type { RecordError } from './errors.ts'
import type { Resolved } from './options.ts'
import type { Fulfilled, PackInfo } from './outcome.ts'
import { OutputBudget } from './output-budget.ts'
import { PackQueue } from './pack-queue.ts'
import { userMessage } from './prompt.ts'
import type { Permit } from './rate-limiter.ts'
import { pauseAfter, recover } from './recovery.ts'
import type { RequestEnd } from './request-end.ts'
import { runPack, type Shipment } from './run-pack.ts'
import { sleep } from './sleep.ts'
import type { Ledger, PackRun } from './stats.ts'

/** Output tokens a record is taken to cost before the first answer has told. */
const FIRST_OUTPUT = 50
/** How much dearer a prompt may be than its estimate. */
const PROMPT_MARGIN = 1.1
/** How much smaller packs become when one was longer than the model's context. */
const SHRINK = 0.7
/** Characters to a token, as OpenAI estimates a request's charge against the rate limit. */
const CHARACTERS_PER_TOKEN = 4

/** What becomes of the records. */
export interface DispatchListener<R, T> {
  /** Whose packs these are, for diagnostics. */
  readonly stream: object
  /** `result` is the value as the model wrote it. Reading waits for the promise, if there is one. */
  onFulfilled: (entry: Entry<R>, outcome: Fulfilled<R, T>, result: unknown) => Promise<void> | undefined
  onRejected: (entry: Entry<R>, reason: RecordError, pack: PackInfo | undefined) => Promise<void> | undefined
  /** No further request can succeed. */
  onFatal: (end: RequestEnd & { kind: 'fatal' }) => void
  /** Something on this side went wrong. */
  onError: (error: unknown) => void
  /** A request has ended, or may start: time to call `send()`. */
  onChange: () => void
}

/** A request that runs. */
interface Running {
  readonly abort: AbortController
  /** What it may cost, in US dollars. */
  readonly cost: number
}

/** Sends packs, new ones and those to be asked again, as slots, rate limits and money allow. */
export class Dispatcher<R, T> {
  readonly #options: Resolved<R, T>
  readonly #ledger: Ledger
  readonly #listener: DispatchListener<R, T>
  readonly #queue: PackQueue<R>
  readonly #budget: OutputBudget
  readonly #running = new Set<Running>()
  /** Requests that have ended and hold their slot until what they left unsettled is seen to. */
  readonly #resting = new Set<AbortController>()
  /** Tokens of records in one pack: less than the user's where the model's context has no room for so many. */
  #packTokens: number
  #isOutOfMoney = false
  #isStopped = false
  /** When to come back. */
  #due = Infinity
  readonly #onChange: () => void

  constructor(options: Resolved<R, T>, ledger: Ledger, listener: DispatchListener<R, T>) {
    this.#options = options
    this.#ledger = ledger
    this.#listener = listener
    this.#onChange = listener.onChange
    this.#budget = new OutputBudget(options.maxOutputTokens)
    const { maxPackTokens, maxPackRecords, maxInFlight, linger } = options
    this.#packTokens = maxPackTokens
    const limits = { maxTokens: maxPackTokens, maxItems: maxPackRecords }
    this.#queue = new PackQueue(limits, linger, 2 * (maxInFlight + 2) * maxPackRecords)
  }

  add(entry: Entry<R>, now: number): void {
    this.#queue.add(entry, now)
  }

  /** Lets all that waits for company leave without. */
  flush(): void {
    this.#queue.flush()
  }

  /** Requests that run. */
  get inFlight(): number {
    return this.#running.size
  }

  /** A pack waits for nothing but to leave: time to stop reading. */
  get hasReserve(): boolean {
    return this.#queue.hasReserve
  }

  /** The next pack may cost more than is left, and no request runs that might leave something. */
  get isOutOfMoney(): boolean {
    return this.#isOutOfMoney
  }

  /** When to call `send()` again, if nothing changes before. */
  get nextDue(): number {
    return this.#due
  }

  /** Aborts all requests. */
  abortAll(): void {
    for (const { abort } of this.#running) abort.abort()
  }

  /** Aborts all requests, and sends no more. */
  stop(): void {
    this.#isStopped = true
    this.abortAll()
    for (const abort of this.#resting) abort.abort()
    this.#options.limiter.forget(this.#onChange)
  }

  /** Sends all that can be sent now. */
  send(now: number): void {
    // Where no slot is free, a request ends first.
    this.#due = Infinity
    // A client may stop the stream while it is given a request.
    while (!this.#isStopped && this.#running.size + this.#resting.size < this.#options.maxInFlight) {
      const next = this.#queue.peek(now)
      if (!next) {
        this.#due = this.#queue.nextDue
        return
      }
      const shipment = this.#prepare(next.pack)
      const { limiter } = this.#options
      const charge = this.#chargeOf(shipment)
      // It would be refused for ever.
      if (charge > limiter.largestRequest && next.pack.length > 1) {
        this.#queue.halve()
        continue
      }
      const delay = limiter.delay(charge, now, this.#onChange)
      if (delay > 0) {
        this.#due = now + delay
        limiter.whenFree(this.#onChange)
        return
      }
      const cost = this.#costOf(shipment)
      if (!this.#canAfford(cost)) {
        this.#isOutOfMoney = this.#running.size + this.#resting.size === 0
        return
      }
      this.#queue.drop()
      const permit = limiter.start(charge, now, this.#onChange)
      this.#run(shipment, next.isRetry, cost, charge, permit).catch((error: unknown) => {
        this.#listener.onError(error)
      })
    }
  }

  #prepare(pack: readonly Entry<R>[]): Shipment<R> {
    const needsMaxCap = pack.some((entry) => entry.needsMaxCap)
    return {
      pack,
      user: userMessage(pack.map((entry) => entry.text)),
      cap: needsMaxCap ? this.#budget.maxCap : this.#budget.capFor(pack.length),
    }
  }

  /** What a provider charges against the limit of tokens per minute: the larger of the prompt's estimate and the cap. */
  #chargeOf({ user, cap }: Shipment<R>): number {
    const prompt = Math.ceil((this.#options.system.length + user.length) / CHARACTERS_PER_TOKEN)
    return Math.max(prompt, cap ?? 0)
  }

  /** The most that a request should cost: its whole cap is counted. */
  #costOf({ pack, cap }: Shipment<R>): number {
    const input = this.#options.estimator.prompt(pack.length, bytesOf(pack)) * PROMPT_MARGIN
    const output = cap ?? this.#budget.expected(pack.length) ?? pack.length * FIRST_OUTPUT
    return this.#ledger.costOf({ input, output, cached: 0, reasoning: 0 })
  }

  #canAfford(cost: number): boolean {
    const { maxCost } = this.#options
    if (maxCost === Infinity) return true
    // Before the first answer nobody knows what one costs: that one is waited for.
    if (this.#budget.expected(1) === undefined && this.#running.size > 0) return false
    const running = Array.from(this.#running).reduce((sum, request) => sum + request.cost, 0)
    return this.#ledger.cost + running + cost <= maxCost
  }

  /** One request, and what becomes of the records that it leaves unsettled. */
  async #run(
    shipment: Shipment<R>,
    isRetry: boolean,
    cost: number,
    charge: number,
    permit: Permit,
  ): Promise<void> {
    const { pack } = shipment
    const running = { abort: new AbortController(), cost }
    this.#running.add(running)
    for (const entry of pack) {
      entry.attempts += 1
      entry.invalid = undefined
    }
    const run = await this.#request(shipment, isRetry, running.abort, permit)
    this.#running.delete(running)
    this.#learn(shipment, run)
    const end = this.#report(run, charge, permit)
    if (this.#isStopped) return
    this.#resting.add(running.abort)

    if (end.kind === 'fatal') {
      this.#listener.onFatal(end)
      return
    }
    const again: Entry<R>[] = []
    for (const { entry, info } of run.unsettled) {
      const reason = recover(entry, end, info, pack.length - run.unsettled.length)
      if (reason) {
        const wait = this.#listener.onRejected(entry, reason, info)
        if (wait) await wait
      } else {
        again.push(entry)
      }
    }
    if (again.length > 0) {
      const pause = pauseAfter(end, Math.max(...again.map((entry) => entry.failures)))
      if (pause > 0) await sleep(pause, running.abort.signal)
    }
    if (this.#isGone()) return
    this.#resting.delete(running.abort)
    this.#queue.addAgain(again)
    this.#onChange()
  }

  /** A method, not a field: TypeScript would think that it cannot change. */
  #isGone(): boolean {
    return this.#isStopped
  }

  async #request(
    shipment: Shipment<R>,
    isRetry: boolean,
    abort: AbortController,
    permit: Permit,
  ): Promise<PackRun<R>> {
    const { apiName, model } = this.#options
    const { pack, cap } = shipment
    const { stream } = this.#listener
    const request = this.#ledger.sent(isRetry)
    const startedAt = performance.now()
    publish('request:start', stream, () => ({
      ...{ request, api: apiName, model, records: pack.length, isRetry },
      maxOutputTokens: cap,
    }))
    const run = await runPack(this.#options, shipment, request, abort, {
      onHeaders: (headers) => {
        permit.report(headers, performance.now())
      },
      onFulfilled: (entry, outcome, result) => {
        publish('element', stream, () => ({ request, kind: 'fulfilled' as const, index: entry.index }))
        return this.#listener.onFulfilled(entry, outcome, result)
      },
      onFault: (kind) => {
        publish('element', stream, () => ({ request, kind, index: undefined }))
        this.#ledger.element(kind)
      },
    })
    publish('request:end', stream, () => {
      const { end, usage, unsettled, responseId } = run
      const error = 'error' in end ? end.error : undefined
      return {
        ...{ request, responseId, end: end.kind, usage },
        ...{ error: error?.code, status: error?.status, requestId: error?.requestId },
        ...{ settled: pack.length - unsettled.length, unsettled: unsettled.length },
        duration: performance.now() - startedAt,
      }
    })
    return run
  }

  /** Tells the limiter how a request ended, and finds out whether waiting will help. */
  #report({ end, hasBegun }: PackRun<R>, charge: number, permit: Permit): RequestEnd {
    const now = performance.now()
    if (end.kind !== 'rate_limit') {
      permit.end(end.kind !== 'failure' || hasBegun, now)
      return end
    }
    permit.rateLimited(end.headers, now)
    // Larger than all that is allowed in a minute: no waiting will help.
    const isTooLarge = charge > this.#options.limiter.largestRequest
    return isTooLarge ? { kind: 'too_large', error: end.error } : end
  }

  /** Books a finished request, and learns from it how long prompts and answers are. */
  #learn({ pack }: Shipment<R>, run: PackRun<R>): void {
    const { estimator, maxPackRecords, maxPackTokens } = this.#options
    const { end, usage, hasBegun, elements, characters } = run
    const bytes = bytesOf(pack)
    const answerLength = Object.values(characters).reduce((sum, part) => sum + part, 0)
    const estimate: Usage = {
      input: hasBegun ? estimator.prompt(pack.length, bytes) : 0,
      output: estimator.text(answerLength),
      cached: 0,
      reasoning: 0,
    }
    this.#ledger.finished(pack, run, usage ?? estimate)
    if (end.kind === 'cap_refused') this.#budget.refuse()
    if (end.kind === 'context') {
      // Smaller packs from now on; unless it was the fault of one record.
      const tokens = pack.reduce((sum, entry) => sum + entry.tokens, 0)
      this.#packTokens =
        pack.length > 1 ? Math.ceil(Math.min(tokens, this.#packTokens) * SHRINK) : maxPackTokens
    }
    if (usage) {
      const { input, output, reasoning } = usage
      estimator.observe(pack.length, bytes, input)
      const isCut = end.kind === 'length'
      this.#budget.observe({ output, reasoning, elements, isCut, isFinal: isCut && end.isFinal })
    }
    const maxItems = Math.min(maxPackRecords, this.#budget.maxRecords)
    this.#queue.setLimits({ maxTokens: this.#packTokens, maxItems }, performance.now())
  }
}

function bytesOf(pack: readonly Entry<unknown>[]): number {
  return pack.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
}
