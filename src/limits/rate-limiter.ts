import { aboveZero, knownOptions } from '../base/option-checks.ts'
import { Congestion } from './congestion.ts'
import { RateBuckets, timeToRefill } from './rate-buckets.ts'
import { readRateLimits, readRetryAfter, type AnyHeaders } from './rate-headers.ts'

/** The limits of the account, as the provider's page shows them. One left out is learned from response headers. */
export interface RateLimiterOptions {
  /** Requests per minute, above 0. Default: what the response headers say. */
  readonly requestsPerMinute?: number
  /** Tokens per minute, above 0, counted as the provider does: with each request's output cap. Default: as above. */
  readonly tokensPerMinute?: number
}

/**
 * The leave of one request, from its start to its end. It ends once; whatever is said afterwards is ignored.
 *
 * @internal
 */
export interface Permit {
  /** The server has accepted the request, with these response headers. */
  report(headers: AnyHeaders | undefined, now: number): void
  /**
   * The server refused it with a 429, or broke it off with a rate limit error: everybody pauses. Ends it.
   *
   * @param largestRequest The tokens that one request may be charged, where the server said that.
   */
  rateLimited(headers: AnyHeaders | undefined, now: number, largestRequest?: number): void
  /** It waits for its consumer, or no longer: meanwhile it is not counted among those that run. */
  rest(isResting: boolean): void
  /** It ended by no doing of the server's. */
  cancel(): void
  /** It ended in any other way. A healthy end says that the server can take as much, or more; any other, that it is ill. */
  end(isHealthy: boolean, now: number): void
}

const NAMES: Record<keyof RateLimiterOptions, true> = { requestsPerMinute: true, tokensPerMinute: true }

/** How late one that was told to wait may come, in ms, before it is passed. */
const GRACE = 1_000
/** A wait so short, in ms, is none: it is what rounding leaves of one that was waited to its end. */
const SLACK = 0.01

/** The place of one that was told to wait. */
interface Turn {
  /** What its request is charged. */
  readonly tokens: number
  /** Until when that is kept for it. */
  readonly keptUntil: number
}

/**
 * Holds requests back so that they keep within requests and tokens per minute, and slows down when a server refuses some
 * anyway. It is for one pool of limits, so mostly for one model, and may be shared by all streams of a process that use
 * it. What other processes use of the same limits it learns from response headers, if the server sends them.
 *
 * - Limits that are configured: at most 10 s worth of them at once, and the rest as it refills.
 * - Limits in `x-ratelimit-*` headers: as reported last, less what was started since.
 * - After a 429: all requests pause as long as the server says, or until the limit it reports has refilled, or 500 ms,
 *   doubling up to 60 s, less up to a quarter. From then on half as many run at once, and one more with each round trip
 *   that goes well, until there are as many as ever. From the fourth round of 429 in a row the pause grows as well,
 *   whatever the server says. A request that waits for its own consumer does not count as running.
 * - When as many requests in a row have failed as ever ran at once (and at least 4), the server is down: one at a time asks
 *   whether it is back, after pauses as above.
 *
 * It owns no clock and no timer: it is told the time in ms, by any clock that does not run backwards, and says how long
 * to wait.
 */
export class RateLimiter {
  readonly #buckets: RateBuckets
  readonly #congestion: Congestion
  readonly #listeners = new Set<() => void>()
  /** Who was told to wait, first come first. */
  readonly #turns = new Map<() => void, Turn>()

  /**
   * @param random For tests: what shortens the pauses, from 0 to 1.
   * @throws {TypeError | RangeError} Naming the option, what it should be, and what it is.
   */
  constructor(options: RateLimiterOptions = {}, random: () => number = Math.random) {
    knownOptions(options, NAMES)
    const requestsPerMinute = aboveZero('requestsPerMinute', options.requestsPerMinute)
    const tokensPerMinute = aboveZero('tokensPerMinute', options.tokensPerMinute)
    this.#buckets = new RateBuckets(requestsPerMinute, tokensPerMinute)
    this.#congestion = new Congestion(random)
  }

  /**
   * Tokens that one request may be charged at all; a server refuses a larger one for ever. `Infinity` if not known.
   *
   * @internal
   */
  get largestRequest(): number {
    return this.#buckets.largestRequest
  }

  /**
   * How long until a request that is charged so many tokens may start, in whole ms; 0: now. `Infinity`: not before
   * another one has ended. It can be longer than a timer can wait: a server may ask for any pause.
   *
   * @param listener Who asks, by its listener for `whenFree`; only if it would start one now. Those that are told to
   *   wait take turns, so that none is passed again and again by one that is quicker or wants less. Default: no turn.
   * @internal
   */
  delay(tokens: number, now: number, listener?: () => void): number {
    const delay = this.#delay(tokens, now, listener)
    if (listener && delay > 0) {
      // One that waits for another's end was not told a time. It comes first then, as the listeners are called in turn.
      const keptUntil = delay < Infinity ? now + delay + GRACE : -Infinity
      this.#turns.set(listener, { tokens, keptUntil })
    }
    return delay
  }

  #delay(tokens: number, now: number, listener: (() => void) | undefined): number {
    if (this.#congestion.isFull) return Infinity
    const before = { requests: 0, tokens: 0 }
    for (const [other, turn] of this.#turns) {
      if (other === listener) break
      if (turn.keptUntil < now) continue
      before.requests += 1
      before.tokens += turn.tokens
    }
    const wait = Math.max(this.#congestion.pausedUntil - now, this.#buckets.waitFor(tokens, before, now))
    // Not a whole ms more for what rounding adds to it.
    return wait <= SLACK ? 0 : Math.ceil(wait - SLACK / 2)
  }

  /**
   * Counts a request as started. It is for the caller to have seen that there is no delay.
   *
   * @param listener Who starts it, as for `delay`: its turn is over.
   * @internal
   */
  start(tokens: number, now: number, listener?: () => void): Permit {
    if (listener) this.#turns.delete(listener)
    const start = this.#buckets.take(tokens, now)
    this.#congestion.started(start.number)

    let hasEnded = false
    let isResting = false
    const rest = (isNow: boolean): void => {
      if (hasEnded || isNow === isResting) return
      isResting = isNow
      this.#congestion.rests(isNow)
    }
    const end = (note: () => void): void => {
      if (hasEnded) return
      rest(false)
      hasEnded = true
      note()
      this.#callListeners()
    }
    return {
      report: (headers, at) => {
        // Not every client tells what they are.
        if (hasEnded || headers === undefined) return
        const reports = readRateLimits(headers)
        const hasForgotten = this.#buckets.forget(reports, start)
        this.#buckets.learn(reports, start, at)
        if (reports.length > 0 || hasForgotten) this.#callListeners()
      },
      rateLimited: (headers, at, largestRequest = Infinity) => {
        end(() => {
          const reports = readRateLimits(headers)
          this.#buckets.learn(reports, start, at)
          this.#buckets.learnLargest(largestRequest)
          const refill = timeToRefill(reports, tokens)
          this.#congestion.refused(start.number, readRetryAfter(headers), refill, at)
        })
      },
      rest: (isNow) => {
        rest(isNow)
        if (isNow) this.#callListeners()
      },
      cancel: () => {
        end(() => {
          this.#congestion.ended()
        })
      },
      end: (isHealthy, at) => {
        end(() => {
          if (isHealthy) this.#congestion.succeeded(start.number)
          else this.#congestion.failed(at)
        })
      },
    }
  }

  /**
   * Calls a listener once, at the next moment at which a delay may have become shorter by anything but time: a request
   * has ended, or headers said how much is left. A listener that waits already is not called twice.
   *
   * @internal
   */
  whenFree(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /**
   * Does not call the listener any more, and gives up its turn.
   *
   * @internal
   */
  forget(listener: () => void): void {
    this.#listeners.delete(listener)
    // Those behind it move up.
    if (this.#turns.delete(listener)) this.#callListeners()
  }

  #callListeners(): void {
    // Those that wait now, in their turns: one that waits again is not called before the next time, one that was
    // forgotten not at all.
    for (const listener of new Set([...this.#turns.keys(), ...this.#listeners])) {
      if (this.#listeners.delete(listener)) listener()
    }
  }
}
