import { endEvent, publish } from './diagnostics.ts'
import type { Entry } from './entry.ts'
import { Learning } from './learning.ts'
import type { Ledger } from './ledger.ts'
import type { Resolved } from './options.ts'
import type { Outcome } from './outcome.ts'
import { PackQueue } from './pack-queue.ts'
import type { PackRun } from './pack-run.ts'
import { userMessage } from './prompt.ts'
import type { Permit } from './rate-limiter.ts'
import { pauseAfter, recover } from './recovery.ts'
import type { RequestEnd } from './request-end.ts'
import { runPack, type Shipment } from './run-pack.ts'
import { sleep } from './sleep.ts'
import { Spending } from './spending.ts'

/** Characters to a token, as OpenAI estimates a request's charge against the rate limit. */
const CHARACTERS_PER_TOKEN = 4

/** What becomes of the records. */
export interface DispatchListener<R, T> {
  /** Whose packs these are, for diagnostics. */
  readonly stream: object
  /** `result` is a fulfilled one's value as the model wrote it. Whoever brings the outcome waits for the promise, if there is one. */
  onSettled: (entry: Entry<R>, outcome: Outcome<R, T>, result?: unknown) => Promise<void> | undefined
  /** No further request can succeed. */
  onFatal: (end: RequestEnd & { kind: 'fatal' }) => void
  /** Something on this side went wrong. */
  onError: (error: unknown) => void
  /** A request has ended, or may start: time to call `send()`. */
  onChange: () => void
}

/** What holds back the next pack, or the lack of one. */
export interface Held {
  /** When to come back, if nothing changes before. */
  readonly until: number
  /** The pack may cost more than is left, and no request runs that might leave something. */
  readonly isOutOfMoney?: boolean
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
  readonly #learning: Learning
  readonly #spending: Spending
  readonly #running = new Set<Running>()
  /** Requests that have ended and hold their slot until what they left unsettled is seen to. */
  readonly #resting = new Set<AbortController>()
  #isStopped = false
  readonly #onChange: () => void

  constructor(options: Resolved<R, T>, ledger: Ledger, listener: DispatchListener<R, T>) {
    this.#options = options
    this.#ledger = ledger
    this.#listener = listener
    this.#onChange = listener.onChange
    const { linger, maxCost, window } = options
    this.#learning = new Learning(options)
    this.#spending = new Spending(maxCost, ledger, this.#learning)
    this.#queue = new PackQueue(this.#learning.limits, linger, window)
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
  send(now: number): Held {
    // A client may stop the stream while it is given a request.
    while (!this.#isStopped && this.#running.size + this.#resting.size < this.#options.maxInFlight) {
      const next = this.#queue.peek(now)
      if (!next) return { until: this.#queue.nextDue }
      const { pack, isRetry } = next
      const { limiter } = this.#options
      const cap = this.#learning.capFor(pack, limiter.largestRequest)
      const price = this.#spending.afford(pack, cap, this.#running)
      if (!price) {
        if (this.#running.size + this.#resting.size > 0) return { until: Infinity }
        if (pack.length === 1) return { until: Infinity, isOutOfMoney: true }
        // There may be money for some of them.
        this.#queue.halve()
        continue
      }
      const shipment = {
        ...{ pack, cap: price.cap, isProven: this.#learning.isProven },
        user: userMessage(pack.map((entry) => entry.text)),
      }
      const charge = this.#chargeOf(shipment)
      // It would be refused for ever.
      if (charge > limiter.largestRequest && pack.length > 1) {
        this.#queue.halve()
        continue
      }
      const delay = limiter.delay(charge, now, this.#onChange)
      if (delay > 0) {
        limiter.whenFree(this.#onChange)
        return { until: now + delay }
      }
      this.#queue.drop()
      const permit = limiter.start(charge, now, this.#onChange)
      this.#run(shipment, isRetry, price.cost, charge, permit).catch((error: unknown) => {
        permit.cancel()
        this.#listener.onError(error)
      })
    }
    // No slot is free: a request ends first.
    return { until: Infinity }
  }

  /** What a provider charges against the limit of tokens per minute: the larger of the prompt's estimate and the cap. */
  #chargeOf({ user, cap }: Shipment<R>): number {
    const prompt = Math.ceil((this.#options.system.length + user.length) / CHARACTERS_PER_TOKEN)
    return Math.max(prompt, cap ?? 0)
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
    this.#ledger.finished(pack, run, this.#learning.learn(pack, shipment.cap, run))
    this.#queue.setLimits(this.#learning.limits, performance.now())
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
        const { index, record, attempts } = entry
        const outcome = { status: 'rejected' as const, index, record, reason, attempts, pack: info }
        const wait = this.#listener.onSettled(entry, outcome)
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
        const wait = this.#listener.onSettled(entry, outcome, result)
        if (!wait) return undefined
        permit.rest(true)
        return wait.finally(() => {
          permit.rest(false)
        })
      },
      onFault: (kind) => {
        publish('element', stream, () => ({ request, kind, index: undefined }))
        this.#ledger.element(kind)
      },
    })
    publish('request:end', stream, () => endEvent(request, run, pack.length, performance.now() - startedAt))
    return run
  }

  /** Tells the limiter how a request ended, and finds out whether waiting will help. */
  #report({ end, elements }: PackRun<R>, charge: number, permit: Permit): RequestEnd {
    const now = performance.now()
    if (end.kind !== 'rate_limit') {
      // An answer that broke off without a single element is none. One that went on and on came from a healthy server.
      const isNone = elements === 0 && end.kind === 'failure' && end.error.code !== 'runaway'
      if (this.#isStopped || end.kind === 'fatal') permit.cancel()
      else permit.end(!isNone, now)
      return end
    }
    permit.rateLimited(end.headers, now, end.tooLarge?.limit)
    // Larger than all that is allowed in a minute: no waiting will help.
    const { largestRequest } = this.#options.limiter
    const isTooLarge = charge > largestRequest || (end.tooLarge !== undefined && largestRequest === Infinity)
    return isTooLarge ? { kind: 'too_large', error: end.error } : end
  }
}
