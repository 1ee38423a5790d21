import type { Entry } from '../record/entry.ts'
import type { PackStreamErrorCode } from '../record/errors.ts'
import { Learning } from '../learning/learning.ts'
import type { Ledger } from '../accounts/ledger.ts'
import { chargeOf, reportEnd } from '../limits/request-charge.ts'
import type { Resolved } from '../options/options.ts'
import { PackQueue } from '../packing/pack-queue.ts'
import type { PackRun } from '../answer/finished-request.ts'
import { userMessage } from '../request/prompt.ts'
import { pauseAfter, recover } from '../engine/recovery.ts'
import type { RequestEnd } from '../answer/request-end.ts'
import { sendPack, type Departure, type SendListener } from './send-pack.ts'
import { sleep } from '../base/sleep.ts'
import { Spending } from '../engine/spending.ts'

/** What becomes of the records. */
export interface DispatchListener<R, T> extends SendListener<R, T> {
  /** No further request can succeed. */
  onFatal: (end: RequestEnd & { kind: 'fatal' }) => void
  /** Something on this side went wrong. */
  onError: (error: unknown) => void
  /** A request has ended, or may start: time to call `send()`. */
  onChange: () => void
}

/** Why nothing more is sent, whatever is left. */
export interface Stop {
  readonly code: PackStreamErrorCode
  readonly message: string
}

/** What holds back the next pack, or the lack of one. */
export interface Held {
  /** When to come back, if nothing changes before. */
  readonly until: number
  /** Nothing will be sent any more. */
  readonly stop?: Stop | undefined
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
  #stop: Stop | undefined
  #isClosed = false
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

  /** No request runs, and what those that ran have left unsettled is seen to. */
  get isIdle(): boolean {
    return this.#slotsTaken === 0
  }

  /** A pack waits for nothing but to leave: time to stop reading. */
  get hasReserve(): boolean {
    return this.#queue.hasReserve
  }

  /** Aborts all requests. */
  abortAll(): void {
    for (const { abort } of this.#running) abort.abort()
  }

  /** Sends no more, for the first of the reasons that it is given. Requests that run go on to their end; no pause is waited for. */
  stop(code: PackStreamErrorCode, message: string): void {
    if (this.#stop) return
    this.#stop = { code, message }
    for (const abort of this.#resting) abort.abort()
    this.#options.limiter.forget(this.#onChange)
  }

  /** Sends no more, and aborts all requests: nobody waits for what they bring. */
  close(): void {
    this.#isClosed = true
    this.abortAll()
    this.stop('stopped', 'The stream was destroyed.')
  }

  /** Sends all that can be sent now. */
  send(now: number): Held {
    // A client may stop the stream while it is given a request.
    while (!this.#stop && this.#slotsTaken < this.#options.maxInFlight) {
      const next = this.#queue.peek(now)
      if (!next) return { until: this.#queue.nextDue }
      const { pack, isRetry } = next
      const { limiter } = this.#options
      const cap = this.#learning.capFor(pack, limiter.largestRequest)
      const price = this.#spending.afford(pack, cap, this.#running)
      if (!price) {
        // What runs may leave something.
        if (this.#slotsTaken > 0) break
        // There may be money for some of them.
        if (pack.length > 1) this.#queue.halve()
        else this.stop('max_cost_reached', this.#spending.exhausted)
        continue
      }
      const shipment = {
        ...{ pack, cap: price.cap, isProven: this.#learning.isProven },
        user: userMessage(pack.map((entry) => entry.text)),
      }
      const charge = chargeOf(this.#options.system.length + shipment.user.length, price.cap)
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
      const abort = new AbortController()
      this.#run({ shipment, isRetry, permit, abort }, price.cost, charge).catch((error: unknown) => {
        permit.cancel()
        this.#listener.onError(error)
      })
    }
    // Nothing changes before a request has ended, if anything ever does.
    return { until: Infinity, stop: this.#stop }
  }

  get #slotsTaken(): number {
    return this.#running.size + this.#resting.size
  }

  /** One request, and what becomes of the records that it leaves unsettled. */
  async #run(departure: Departure<R>, cost: number, charge: number): Promise<void> {
    const { shipment, permit, abort } = departure
    const { pack } = shipment
    const running = { abort, cost }
    this.#running.add(running)
    for (const entry of pack) {
      entry.attempts += 1
      entry.invalid = undefined
    }
    const run = await sendPack(this.#options, departure, this.#ledger, this.#listener)
    this.#running.delete(running)
    this.#resting.add(abort)
    this.#ledger.finished(pack, run, this.#learning.learn(pack, shipment.cap, run))
    this.#queue.setLimits(this.#learning.limits, performance.now())
    const end = reportEnd(run, charge, permit, this.#options.limiter, this.#isClosed)
    if (this.#isClosed) return
    if (end.kind === 'fatal' && !this.#stop) {
      this.#listener.onFatal(end)
      return
    }
    // Where nothing more is sent, what is fatal need not end the requests that still run. Its own records stay unsettled.
    if (end.kind !== 'fatal') {
      this.#queue.addAgain(await this.#recover(run, end, pack.length, abort.signal))
    }
    if (this.#isGone()) return
    this.#resting.delete(abort)
    this.#onChange()
  }

  /** Sees to the records that a request left unsettled. Returns those to be asked again, once they may be. */
  async #recover(
    run: PackRun<R>,
    end: RequestEnd,
    size: number,
    signal: AbortSignal,
  ): Promise<readonly Entry<R>[]> {
    const again: Entry<R>[] = []
    for (const { entry, info } of run.unsettled) {
      const reason = recover(entry, end, info, size - run.unsettled.length)
      if (reason) {
        const { index, record, attempts } = entry
        const outcome = { status: 'rejected' as const, index, record, reason, attempts, pack: info }
        const wait = this.#listener.onSettled(entry, outcome)
        if (wait) await wait
      } else {
        again.push(entry)
      }
    }
    if (again.length > 0 && !this.#stop) {
      const pause = pauseAfter(end, Math.max(...again.map((entry) => entry.failures)))
      if (pause > 0) await sleep(pause, signal)
    }
    return again
  }

  /** A method, not a field: TypeScript would think that it cannot change. */
  #isGone(): boolean {
    return this.#isClosed
  }
}
