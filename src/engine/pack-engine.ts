import type { Ledger } from '../accounts/ledger.ts'
import type { FinishedRequest, Unsettled } from '../answer/finished-request.ts'
import type { RequestEnd } from '../answer/request-end.ts'
import { Learning, type LearningRules } from '../learning/learning.ts'
import type { RateLimiter } from '../limits/rate-limiter.ts'
import { chargeOf } from '../limits/request-charge.ts'
import { PackQueue } from '../packing/pack-queue.ts'
import type { Entry } from '../record/entry.ts'
import type { PackStreamErrorCode, RecordError } from '../record/errors.ts'
import { userMessage } from '../request/prompt.ts'
import type { Departure, Stop } from './departure.ts'
import { reportEnd } from './limiter-report.ts'
import { pauseAfter, recover } from './recovery.ts'
import { Spending, type Price } from './spending.ts'

/** What decides when a pack leaves, and what it may hold. */
export interface EngineRules extends LearningRules {
  /** How long a pack that is not full waits for company, from its first record, in ms. `Infinity`: until `endOfInput()`. */
  readonly linger: number
  /** Requests that run at once. */
  readonly maxInFlight: number
  /** Records of all keys that may wait for company. */
  readonly window: number
  /** US dollars that may be spent. `Infinity`: no cap. */
  readonly maxCost: number
}

/** What to do next. */
export type Step<R> =
  /** Send this request, then ask again. */
  | { readonly kind: 'send'; readonly departure: Departure<R> }
  /** Nothing leaves before that time, unless the engine learns something new. */
  | { readonly kind: 'wait'; readonly until: number }
  /** Nothing leaves any more. */
  | { readonly kind: 'stop' }

/** What became of a request. */
export interface Ended<R> {
  /** The end as it counts for the records. */
  readonly end: RequestEnd
  /** Records that get no value. `delivered()` is due once their outcomes have been taken. */
  readonly rejected: readonly (Unsettled<R> & { readonly reason: RecordError })[]
  /** No further request can succeed. */
  readonly fatal: (RequestEnd & { kind: 'fatal' }) | undefined
}

/** A request that has ended and keeps its slot. */
interface Rest<R> {
  /** Records to be asked again. */
  readonly again: readonly Entry<R>[]
  readonly until: number
  isDelivered: boolean
}

/**
 * Decides which pack leaves when, and what becomes of the records that a request leaves unsettled.
 *
 * It knows no promise, clock, timer or network: it is told the time (ms, by a clock that does not
 * run backwards) and what came, and it says what to do next. The stream drives it with real requests,
 * tests drive it with ten thousands of schedules.
 */
export class PackEngine<R> {
  readonly #rules: EngineRules
  readonly #ledger: Ledger
  readonly #limiter: RateLimiter
  readonly #onFree: () => void
  readonly #random: () => number
  readonly #learning: Learning
  readonly #spending: Spending
  readonly #queue: PackQueue<R>
  readonly #running = new Set<Departure<R>>()
  readonly #resting = new Map<Departure<R>, Rest<R>>()
  /** The newest user message, so that a pack that waits to leave is framed once. */
  #framed: { readonly pack: readonly Entry<R>[]; readonly user: string } | undefined
  #stop: Stop | undefined
  #isClosed = false

  /**
   * @param onFree Called by the limiter when `next()` may have a new answer for another reason than
   *   time. It also stands for this engine among all that share the limiter.
   * @param random From 0 to 1: shortens pauses, so that many clients do not come back at one time.
   */
  constructor(
    rules: EngineRules,
    ledger: Ledger,
    limiter: RateLimiter,
    onFree: () => void,
    random: () => number = Math.random,
  ) {
    this.#rules = rules
    this.#ledger = ledger
    this.#limiter = limiter
    this.#onFree = onFree
    this.#random = random
    this.#learning = new Learning(rules)
    this.#spending = new Spending(rules.maxCost, ledger, this.#learning)
    this.#queue = new PackQueue(this.#learning.limits, rules.linger, rules.window)
  }

  /** Tokens of a record's text and the tags around it. */
  weigh(text: string): number {
    return this.#learning.weigh(text)
  }

  add(entry: Entry<R>, now: number): void {
    this.#queue.add(entry, now)
  }

  /** No record comes to keep those company that wait, at least for now: they leave as they are. */
  endOfInput(now: number): void {
    this.#queue.flush(now)
  }

  /** What to do now. The caller asks again after each request that it sends. */
  next(now: number): Step<R> {
    this.#wake(now)
    // A pack that cannot leave as it is comes back as its first half.
    while (!this.#stop && this.#slotsTaken < this.#rules.maxInFlight) {
      const next = this.#queue.peek(now)
      if (!next) return this.#wait(this.#queue.nextDue)
      const { pack } = next
      const { largestRequest } = this.#limiter
      const price = this.#spending.afford(pack, this.#learning.capFor(pack, largestRequest), this.#running)
      if (!price) {
        // A request that runs may cost less than it might.
        if (this.#slotsTaken > 0) break
        if (pack.length > 1) this.#queue.halve()
        else this.stop('max_cost_reached', this.#spending.exhausted)
        continue
      }
      const user = this.#userMessage(pack)
      const charge = chargeOf(this.#rules.system.length + user.length, price.cap)
      if (charge > largestRequest && pack.length > 1) {
        this.#queue.halve()
        continue
      }
      const delay = this.#limiter.delay(charge, now, this.#onFree)
      if (delay > 0) {
        this.#limiter.whenFree(this.#onFree)
        return this.#wait(now + delay)
      }
      return { kind: 'send', departure: this.#depart(pack, user, price, charge, next.isRetry, now) }
    }
    return this.#stop ? { kind: 'stop' } : this.#wait(Infinity)
  }

  /** A request has ended: books it, learns from it, and decides about the records that it left. */
  ended(departure: Departure<R>, finished: FinishedRequest<R>, now: number): Ended<R> {
    const { pack, cap, permit } = departure
    const end = reportEnd(finished, permit, this.#isClosed, now)
    const judged = { ...finished, end }
    this.#ledger.finished(pack, judged, this.#learning.learn(pack, cap, judged))
    this.#queue.setLimits(this.#learning.limits)
    this.#running.delete(departure)
    // After a stop the other requests go on to their ends, so that a fatal end is only this request's.
    if (end.kind === 'fatal') return { end, rejected: [], fatal: this.#stop ? undefined : end }
    const rejected: (Unsettled<R> & { reason: RecordError })[] = []
    const again: Entry<R>[] = []
    const settled = pack.length - finished.unsettled.length
    for (const { entry, info } of this.#isClosed ? [] : finished.unsettled) {
      const reason = recover(entry, end, info, settled)
      if (reason) rejected.push({ entry, info, reason })
      else again.push(entry)
    }
    const failures = again.reduce((most, entry) => Math.max(most, entry.failures), 0)
    const until = again.length > 0 ? now + pauseAfter(end, failures, this.#random) : now
    this.#resting.set(departure, { again, until, isDelivered: rejected.length === 0 })
    return { end, rejected, fatal: undefined }
  }

  /** The outcomes of the records that `ended()` rejected have been taken. */
  delivered(departure: Departure<R>): void {
    const rest = this.#resting.get(departure)
    if (rest) rest.isDelivered = true
  }

  /** Sends no more, for the first reason given. Requests that run go on; no pause is waited for. */
  stop(code: PackStreamErrorCode, message: string): void {
    if (this.#stop) return
    this.#stop = { code, message }
    this.#limiter.forget(this.#onFree)
  }

  /** Sends no more, and takes the requests that run for aborted. */
  close(): void {
    this.#isClosed = true
    this.stop('stopped', 'The stream was destroyed.')
  }

  /** Why nothing more is sent. `undefined`: the engine goes on. */
  get stopped(): Stop | undefined {
    return this.#stop
  }

  /** Requests that run. */
  get inFlight(): number {
    return this.#running.size
  }

  /** No request runs, and none keeps a slot. */
  get isIdle(): boolean {
    return this.#slotsTaken === 0
  }

  /** False while a full pack waits to leave: the caller should read no more. */
  get wantsMore(): boolean {
    return !this.#queue.hasReserve
  }

  get #slotsTaken(): number {
    return this.#running.size + this.#resting.size
  }

  /** Frees the slots whose rest is over. After a stop no rest is waited for. */
  #wake(now: number): void {
    for (const [departure, { again, until, isDelivered }] of this.#resting) {
      if (!isDelivered || (until > now && !this.#stop)) continue
      this.#resting.delete(departure)
      this.#queue.addAgain(again)
    }
  }

  #wait(until: number): Step<R> {
    let first = until
    for (const rest of this.#resting.values()) if (rest.isDelivered && rest.until < first) first = rest.until
    return { kind: 'wait', until: first }
  }

  #userMessage(pack: readonly Entry<R>[]): string {
    if (this.#framed?.pack !== pack) {
      this.#framed = { pack, user: userMessage(pack.map(({ text }) => text)) }
    }
    return this.#framed.user
  }

  #depart(
    pack: readonly Entry<R>[],
    user: string,
    { cap, cost }: Price,
    charge: number,
    isRetry: boolean,
    now: number,
  ): Departure<R> {
    this.#queue.drop()
    this.#framed = undefined
    for (const entry of pack) {
      entry.attempts += 1
      entry.invalid = undefined
    }
    const { isProven } = this.#learning
    const permit = this.#limiter.start(charge, now, this.#onFree)
    const departure = {
      request: this.#ledger.sent(isRetry),
      pack,
      user,
      cap,
      isProven,
      isRetry,
      permit,
      cost,
    }
    this.#running.add(departure)
    return departure
  }
}
