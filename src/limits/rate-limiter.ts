import { finite, knownOptions } from '../base/option-checks.ts'
import { Congestion, type Pause } from './congestion.ts'
import { RateBuckets, timeToRefill } from './rate-buckets.ts'
import { readRateLimits, readRetryAfter, type AnyHeaders } from './rate-headers.ts'
import { Turns } from './turns.ts'

/**
 * Limits of the account, as the provider's page shows them. The limiter learns a missing limit from
 * the response headers.
 */
export interface RateLimiterOptions {
  /** Requests per minute, above 0. Default: the limit in the response headers. */
  readonly requestsPerMinute?: number | undefined
  /**
   * Tokens per minute, above 0. Count tokens as the provider does: with the output cap of each
   * request. Default: the limit in the response headers.
   */
  readonly tokensPerMinute?: number | undefined
}

/** What a server says that refuses a request for its size. */
export interface TooLarge {
  /** Tokens of the whole limit per minute. `undefined`: the server did not say. */
  readonly limit: number | undefined
}

/**
 * Permission for one request, from its start to its end. The first end counts; the permit ignores
 * all later calls.
 *
 * @internal
 */
export interface Permit {
  /** The server has accepted the request and sent these response headers. */
  report(headers: AnyHeaders | undefined, now: number): void
  /**
   * The server refused the request with a 429, or broke the answer off with a rate limit error. All
   * requests pause. The request has ended.
   *
   * @param tooLarge The server said that the request is larger than its whole limit, and mostly how
   *   many tokens the limit has.
   * @param said The refusal in words without private text, for `pause`.
   * @returns Whether waiting can help: false where the request is larger than the whole limit.
   */
  rateLimited(headers: AnyHeaders | undefined, now: number, tooLarge?: TooLarge, said?: string): boolean
  /**
   * The request begins or stops waiting for its consumer. A waiting request does not count as
   * running.
   */
  rest(isResting: boolean): void
  /** The request ended, and the end says nothing about the server. */
  cancel(): void
  /**
   * The request ended in any other way. A healthy end says that the server can take as much load or
   * more. Any other end says that the server has a problem.
   *
   * @param said The problem in words without private text, for `pause`.
   */
  end(isHealthy: boolean, now: number, said?: string): void
}

const NAMES: Record<keyof RateLimiterOptions, true> = { requestsPerMinute: true, tokensPerMinute: true }

/** Waits up to this length count as 0, in ms. Rounding leaves such a rest after a complete wait. */
const SLACK_MS = 0.01

/**
 * Delays requests so that they stay within a number of requests and tokens per minute. Slows down
 * when a server refuses requests anyway.
 *
 * One limiter serves one pool of limits, so usually one model. All streams of a process that use
 * this pool may share the limiter. Other processes may use the same limits; the limiter learns from
 * the response headers how much they take, if the server sends such headers.
 *
 * - Configured limits: 10 s worth of a limit may be used at once. After that, requests start as the
 *   limit refills.
 * - Limits in `x-ratelimit-*` headers: the limiter takes the last report and subtracts the requests
 *   that have started since.
 * - After a 429, all requests pause. The pause is the time that the server asks for, or else the
 *   time until the reported limit has refilled, or else 500 ms, which doubles up to 60 s and is
 *   shortened by up to a quarter. Then half as many requests run at once. Each round trip that goes
 *   well adds one request, until the former number is reached. A server that takes few requests at
 *   once refuses that number again and again, so the limiter tries it less and less often. From the
 *   fourth round of 429 in a row in which no request went well, the pause grows, also where the
 *   server asks for less. A request that waits for its own consumer does not count as running.
 * - The server counts as down when as many requests in a row have failed as ever ran at once, and
 *   at least 4. Then the limiter lets one request at a time test whether the server is back, after
 *   the pauses above.
 *
 * The limiter has no clock and no timer. The caller passes the time in ms, by any clock that never
 * runs backwards, and the limiter returns how long to wait.
 */
export class RateLimiter {
  readonly #buckets: RateBuckets
  readonly #congestion: Congestion
  readonly #turns = new Turns()

  /**
   * @param random For tests: returns a number from 0 to 1. A larger number makes pauses shorter.
   * @throws {TypeError | RangeError} The message names the option, the expected value and the given
   *   value.
   */
  constructor(options: RateLimiterOptions = {}, random: () => number = Math.random) {
    knownOptions(options, NAMES)
    const requestsPerMinute = finite('requestsPerMinute', options.requestsPerMinute)
    const tokensPerMinute = finite('tokensPerMinute', options.tokensPerMinute)
    this.#buckets = new RateBuckets(requestsPerMinute, tokensPerMinute)
    this.#congestion = new Congestion(random)
  }

  /**
   * Largest number of tokens that one request may be charged. A server always refuses a larger
   * request. `Infinity` if the limit is not known.
   *
   * @internal
   */
  get largestRequest(): number {
    return this.#buckets.largestRequest
  }

  /**
   * Time until a request that is charged `tokens` tokens may start, in whole ms. 0 means now.
   * `Infinity` means not before another request has ended. The time can be longer than the longest
   * timer, because a server may ask for any pause.
   *
   * @param listener The caller's listener for `whenFree`. Pass it only if the caller would start a
   *   request now. Callers that are told to wait take turns, so a caller that is faster or wants
   *   fewer tokens cannot pass another caller again and again. Default: no turn.
   * @internal
   */
  delay(tokens: number, now: number, listener?: () => void): number {
    const delay = this.#delay(tokens, now, listener)
    if (listener && delay > 0) this.#turns.promise(listener, tokens, delay, now)
    return delay
  }

  #delay(tokens: number, now: number, listener: (() => void) | undefined): number {
    if (this.#congestion.isFull) return Infinity
    const before = this.#turns.before(listener, now)
    const wait = Math.max(this.#congestion.pausedUntil - now, this.#buckets.waitFor(tokens, before, now))
    // Rounding errors must not add a whole ms.
    return wait <= SLACK_MS ? 0 : Math.ceil(wait - SLACK_MS / 2)
  }

  /**
   * Why a caller waits that `delay` told to wait. `undefined` if it waits only for the end of
   * another request.
   *
   * @internal
   */
  pauseOf(delay: number, now: number): Pause | undefined {
    if (delay === Infinity) return undefined
    const { pause } = this.#congestion
    const why = pause && pause.until > now ? pause : { for: 'rate_limit' as const, said: undefined }
    return { ...why, until: now + delay }
  }

  /**
   * Counts a request as started. The caller must have checked that `delay` returns 0.
   *
   * @param listener The listener that the caller passed to `delay`. Its turn is over.
   * @internal
   */
  start(tokens: number, now: number, listener?: () => void): Permit {
    if (listener) this.#turns.over(listener)
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
      this.#turns.call()
    }
    return {
      report: (headers, at) => {
        // Not every client passes the headers on.
        if (hasEnded || headers === undefined) return
        const reports = readRateLimits(headers)
        const hasForgotten = this.#buckets.forget(reports, start)
        this.#buckets.learn(reports, start, at)
        if (reports.length > 0 || hasForgotten) this.#turns.call()
      },
      rateLimited: (headers, at, tooLarge, said) => {
        end(() => {
          const reports = readRateLimits(headers)
          this.#buckets.learn(reports, start, at)
          this.#buckets.learnLargest(tooLarge?.limit ?? Infinity)
          const refill = timeToRefill(reports, tokens)
          this.#congestion.refused(start.number, readRetryAfter(headers), refill, at, said)
        })
        // The server's count decides: a request that we count as smaller would be refused again.
        return tooLarge === undefined && tokens <= this.largestRequest
      },
      rest: (isNow) => {
        rest(isNow)
        if (isNow) this.#turns.call()
      },
      cancel: () => {
        end(() => {
          this.#congestion.ended()
        })
      },
      end: (isHealthy, at, said) => {
        end(() => {
          if (isHealthy) this.#congestion.succeeded(start.number)
          else this.#congestion.failed(at, said)
        })
      },
    }
  }

  /**
   * Calls a listener once, when a delay may have become shorter for another reason than time: a
   * request has ended, or headers have reported a limit. A listener that is already waiting is not
   * called twice.
   *
   * @internal
   */
  whenFree(listener: () => void): void {
    this.#turns.listen(listener)
  }

  /**
   * Does not call the listener any more, and gives up its turn.
   *
   * @internal
   */
  forget(listener: () => void): void {
    this.#turns.forget(listener)
  }
}
