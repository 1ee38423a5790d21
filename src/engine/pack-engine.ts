import type { Ledger } from '../accounts/ledger.ts'
import { isAccepted, type FinishedRequest, type Unsettled } from '../answer/finished-request.ts'
import type { RequestEnd } from '../answer/request-end.ts'
import { Learning, type LearningRules } from '../learning/learning.ts'
import type { Pause } from '../limits/congestion.ts'
import type { RateLimiter } from '../limits/rate-limiter.ts'
import { chargeOf } from '../limits/request-charge.ts'
import { PackQueue, type NextPack } from '../packing/pack-queue.ts'
import type { Entry } from '../record/entry.ts'
import type { PackStreamErrorCode, RecordError } from '../record/errors.ts'
import { userMessage } from '../request/prompt.ts'
import type { Departure, Stop } from './departure.ts'
import { reportEnd } from './limiter-report.ts'
import { Outlook, type OutlookRules } from './outlook.ts'
import { pauseAfter, recover } from './recovery.ts'
import { Resting } from './resting.ts'
import { Purse, Spending, type Price } from './spending.ts'
import { Suspicion } from './suspicion.ts'

/** The rules for when a pack leaves, and for its size. */
export interface EngineRules extends LearningRules, OutlookRules {
  /**
   * Time for which a pack that is not full waits for more records, from its first record, in ms.
   * `Infinity`: until `endOfInput()`.
   */
  readonly linger: number
  /** Largest number of requests that run at once. */
  readonly maxInFlight: number
  /** Largest number of records, of all keys, that wait for more records. */
  readonly window: number
  /** Number of records whose order is drawn before they are packed. 0: none. */
  readonly mix: number
  /** US dollars that the stream may spend. `Infinity`: no cap. */
  readonly maxCost: number
  /** The money, if another engine spends from it too. Default: a purse with `maxCost`. */
  readonly purse?: Purse
}

/** The next action of the caller. */
export type Step<R> =
  /** Send this request, then call `next()` again. */
  | { readonly kind: 'send'; readonly departure: Departure<R> }
  /**
   * No request leaves before that time, unless the engine learns something new. `pause` says why,
   * if records have to wait for the server or its limits.
   */
  | { readonly kind: 'wait'; readonly until: number; readonly pause: Pause | undefined }
  /** No request leaves any more. */
  | { readonly kind: 'stop' }

/** The consequences of a request's end. */
export interface Ended<R> {
  /** The end that counts for the records. */
  readonly end: RequestEnd
  /** Records that get no value. Call `delivered()` when the consumer has taken their outcomes. */
  readonly rejected: readonly (Unsettled<R> & { readonly reason: RecordError })[]
  /** The end, if no other request can succeed either. */
  readonly fatal: (RequestEnd & { kind: 'fatal' }) | undefined
}

/** What the next request would be. */
interface Offer<R> {
  readonly pack: readonly Entry<R>[]
  readonly largestRequest: number
  /** The state of the purse. */
  readonly changes: number
  /** `undefined`: the request might cost more than is left. */
  readonly price: Price | undefined
  /** The user message. */
  readonly user: string
  /** Tokens that the provider charges for it against its limit. */
  readonly charge: number
}

/**
 * Decides which pack leaves when, and what happens to the records that a request leaves unsettled.
 *
 * The engine has no promise, clock, timer or network. The caller passes the time (in ms, by a clock
 * that never runs backwards) and the ends of requests, and the engine returns the next action. The
 * stream drives the engine with real requests. Tests drive it with thousands of schedules.
 */
export class PackEngine<R> {
  readonly #rules: EngineRules
  readonly #ledger: Ledger
  readonly #limiter: RateLimiter
  readonly #onFree: () => void
  readonly #random: () => number
  readonly #learning: Learning
  readonly #purse: Purse
  readonly #spending: Spending
  readonly #suspicion = new Suspicion<R>()
  readonly #outlook: Outlook
  readonly #queue: PackQueue<R>
  readonly #running = new Set<Departure<R>>()
  readonly #resting = new Resting<R>()
  /** The terms for the pack that waits to leave, so that each record that comes costs the same. */
  #offer: Offer<R> | undefined
  #stop: Stop | undefined
  #isClosed = false

  /**
   * @param onFree The limiter calls it when `next()` may return a new action for another reason
   *   than time. It also identifies this engine to the limiter.
   * @param random Returns a number from 0 to 1. A larger number makes the pauses shorter.
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
    this.#onFree = () => {
      // The caller asks again after `ended()`, with all that the end teaches.
      if (!this.#purse.isBooking) onFree()
    }
    this.#random = random
    this.#learning = new Learning(rules)
    this.#outlook = new Outlook(rules, ledger)
    this.#purse = rules.purse ?? new Purse(rules.maxCost, ledger)
    this.#spending = new Spending(this.#purse, ledger, this.#learning)
    this.#queue = new PackQueue(this.#learning.limits, rules.linger, rules.window, rules.mix)
  }

  /** Tokens of a record's text and the tags around it. */
  weigh(text: string): number {
    return this.#learning.weigh(text)
  }

  add(entry: Entry<R>, now: number): void {
    this.#queue.add(entry, now)
  }

  /** Makes packs smaller for the rest of the stream, also packs that wait. */
  limitRecords(most: number, now: number): void {
    this.#learning.limitRecords(most)
    this.#queue.setLimits(this.#learning.limits, now)
    this.#offer = undefined
  }

  /** No more records come, at least for now. Packs that are not full leave without waiting. */
  endOfInput(now: number): void {
    this.#queue.flush(now)
  }

  /** Returns the action for now. The caller calls it again after each request that it sends. */
  next(now: number): Step<R> {
    const { end } = this.#outlook
    if (end) this.stop(end.code, end.message)
    this.#queue.addAgain(this.#resting.wake(now, this.#stop !== undefined))
    // A pack that is too large is replaced by its first half.
    while (!this.#stop && this.#slotsTaken < this.#rules.maxInFlight) {
      const isInDoubt = this.#suspicion.isInDoubt || this.#outlook.isInDoubt
      if (isInDoubt && this.#running.size > 0) break
      const next = isInDoubt ? this.#nextAlone(now) : this.#queue.peek(now)
      if (!next) return this.#wait(this.#queue.nextDue)
      const { pack, isRetry } = next
      const offer = this.#offerFor(pack)
      const { largestRequest, price, charge } = offer
      if (!price) {
        // A running request may cost less than its highest cost, and so leave enough money.
        if (this.#slotsTaken > 0 || this.#purse.isInUse) break
        if (pack.length > 1) this.#queue.halve()
        else this.stop('max_cost_reached', this.#spending.exhausted)
        continue
      }
      if (charge > largestRequest && pack.length > 1) {
        this.#queue.halve()
        continue
      }
      const delay = this.#limiter.delay(charge, now, this.#onFree)
      if (delay > 0) {
        this.#limiter.whenFree(this.#onFree)
        return this.#wait(now + delay, this.#limiter.pauseOf(delay, now))
      }
      return { kind: 'send', departure: this.#depart(offer, price, isRetry, now) }
    }
    return this.#stop ? { kind: 'stop' } : this.#wait(Infinity)
  }

  /** Books an ended request, learns from it, and decides about its unsettled records. */
  ended(departure: Departure<R>, finished: FinishedRequest<R>, now: number): Ended<R> {
    const { pack, cap, permit } = departure
    this.#running.delete(departure)
    if (isAccepted(finished)) this.#queue.addAgain(this.#suspicion.accept())
    const isLast = this.#running.size === 0
    const hasOthers = !this.#queue.isEmpty || this.#resting.size > 0
    const suspected = this.#suspicion.judge(
      this.#learning.judge(finished.end, pack, cap),
      pack,
      isLast,
      hasOthers,
    )
    this.#purse.isBooking = true
    const end = reportEnd({ ...finished, end: suspected }, permit, this.#isClosed, now)
    this.#purse.isBooking = false
    this.#offer = undefined
    const judged = { ...finished, end }
    this.#ledger.finished(pack, judged, this.#learning.learn(pack, cap, judged))
    this.#purse.end(departure)
    this.#queue.setLimits(this.#learning.limits, now)
    this.#outlook.learn(pack, judged)
    // After a stop, the other requests continue to their ends. So only this request fails.
    // A question of the audit ends no job. If no request can succeed, the next records show it.
    if (end.kind === 'fatal' && !pack[0]?.isAudit)
      return { end, rejected: [], fatal: this.#stop ? undefined : end }
    const rejected: (Unsettled<R> & { reason: RecordError })[] = []
    const again: Entry<R>[] = []
    const settled = pack.length - finished.unsettled.length
    const isHeld = end.kind === 'refused_request' && !this.#suspicion.hasAccepted
    for (const { entry, info } of this.#isClosed ? [] : finished.unsettled) {
      const reason = isHeld && info.size === 1 ? undefined : recover(entry, end, info, settled, finished.raw)
      if (reason) rejected.push({ entry, info, reason })
      else again.push(entry)
    }
    if (isHeld) this.#suspicion.hold(again.splice(0))
    const failures = again.reduce((most, entry) => Math.max(most, entry.failures), 0)
    const until = again.length > 0 ? now + pauseAfter(end, failures, this.#random) : now
    const pause = { for: 'server' as const, until, said: 'error' in end ? end.error?.message : undefined }
    this.#resting.add(departure, { again, pause, isDelivered: rejected.length === 0 })
    return { end, rejected, fatal: undefined }
  }

  /** @param when Whether the server has accepted such requests before. Called at a refusal. */
  assumeAccepted(when: () => boolean): void {
    this.#suspicion.assumeAccepted(when)
  }

  /** The server has accepted a running request. */
  accepted(): void {
    const { isInDoubt } = this.#suspicion
    this.#queue.addAgain(this.#suspicion.accept())
    if (isInDoubt) this.#onFree()
  }

  /** The consumer has taken the outcomes of the records that `ended()` rejected. */
  delivered(departure: Departure<R>): void {
    this.#resting.delivered(departure)
  }

  /**
   * Sends no more requests. The first reason counts. Running requests continue. The engine does not
   * wait for pauses.
   */
  stop(code: PackStreamErrorCode, message: string): void {
    if (this.#stop) return
    this.#stop = { code, message }
    this.#limiter.forget(this.#onFree)
  }

  /** Sends no more requests. The caller aborts the running requests. */
  close(): void {
    this.#isClosed = true
    this.stop('stopped', 'The stream was destroyed.')
  }

  /** The reason why the engine sends no more requests. `undefined` if it continues. */
  get stopped(): Stop | undefined {
    return this.#stop
  }

  /** Number of running requests. */
  get inFlight(): number {
    return this.#running.size
  }

  /** Whether no request runs or takes a slot. */
  get isIdle(): boolean {
    return this.#slotsTaken === 0
  }

  /** Whether the caller should read more records. False while a full pack waits to leave. */
  get wantsMore(): boolean {
    return !this.#queue.hasReserve
  }

  get #slotsTaken(): number {
    return this.#running.size + this.#resting.size
  }

  /** A record alone, not of a refused request if there is another. */
  #nextAlone(now: number): NextPack<R> | undefined {
    if (this.#queue.isEmpty && this.#resting.size === 0) this.#queue.addAgain(this.#suspicion.next())
    return this.#queue.peekAlone(now)
  }

  /** @param pause The pause of the limiter. */
  #wait(until: number, pause?: Pause): Step<R> {
    const rest = this.#resting.firstPause(until)
    // While a request runs, the stream does not stand still because of the failures of others.
    const said = pause ?? (this.#running.size === 0 ? rest : undefined)
    return { kind: 'wait', until: rest?.until ?? until, pause: said }
  }

  /**
   * The terms for a pack. They hold until a request of any engine departs or ends, or the limit
   * changes.
   */
  #offerFor(pack: readonly Entry<R>[]): Offer<R> {
    const { largestRequest } = this.#limiter
    const last = this.#offer
    const { changes } = this.#purse
    if (last?.pack === pack && last.largestRequest === largestRequest && last.changes === changes) return last
    const price = this.#spending.afford(pack, this.#learning.capFor(pack, largestRequest), this.#running.size)
    const user = price
      ? userMessage(
          pack.map(({ text }) => text),
          this.#rules.examples,
          pack[0]?.shared,
        )
      : ''
    const charge = chargeOf(this.#rules.system.length + user.length, price?.cap)
    this.#offer = { pack, largestRequest, changes, price, user, charge }
    return this.#offer
  }

  #depart(
    { pack, user, charge }: Offer<R>,
    { cap, cost }: Price,
    isRetry: boolean,
    now: number,
  ): Departure<R> {
    this.#queue.drop()
    this.#offer = undefined
    for (const entry of pack) {
      entry.attempts += 1
      entry.invalid = undefined
    }
    const permit = this.#limiter.start(charge, now, this.#onFree)
    const departure = {
      request: this.#ledger.sent(kindOf(pack[0], isRetry)),
      pack,
      user,
      cap,
      isRetry,
      permit,
      cost,
    }
    this.#running.add(departure)
    this.#purse.start(departure)
    return departure
  }
}

function kindOf(
  entry: Entry<unknown> | undefined,
  isRetry: boolean,
): 'audit' | 'escalation' | 'retry' | 'pack' {
  if (entry?.isAudit) return 'audit'
  if (entry?.isEscalated) return 'escalation'
  return isRetry ? 'retry' : 'pack'
}
