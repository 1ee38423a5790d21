import { readRateLimits, readRetryAfter, type AnyHeaders, type Reported } from './rate-headers.ts'

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
  /** The server refused it with a 429, or broke it off with a rate limit error: everybody pauses. Ends it. */
  rateLimited(headers: AnyHeaders | undefined, now: number): void
  /** It ended in any other way. A healthy end says that the server can take as much, or more; any other, that it is ill. */
  end(isHealthy: boolean, now: number): void
}

const NAMES: Record<keyof RateLimiterOptions, true> = { requestsPerMinute: true, tokensPerMinute: true }

const MINUTE = 60_000
/**
 * How much of a configured limit may be used at once, in ms of its refill. Servers hold a limit per minute over less
 * than a minute: OpenAI calls it quantized, Azure evaluates it every 1 or 10 s.
 */
const BURST = 10_000
/** Pauses after a 429 that names none, in ms: the first, doubling with every round of them up to the longest. */
const FIRST_PAUSE = 500
const MAX_PAUSE = 60_000
/** How many requests in a row, at least, must fail before the server is taken to be down. */
const PATIENCE = 4
/** How late one that was told to wait may come, in ms, before it is passed. */
const GRACE = 1_000
/** A wait so short, in ms, is none: it is what rounding leaves of one that was waited to its end. */
const SLACK = 0.01

type Kind = Reported['kind']

/** A limit that refills all the time. Its level is below 0 after a request larger than the whole of it. */
interface Bucket {
  readonly capacity: number
  /** Refill per ms. */
  readonly rate: number
  level: number
  /** When it had that level. */
  at: number
}

interface ReportedBucket extends Bucket {
  /** Number of the request whose response said so. */
  readonly reporter: number
}

/** The place of one that was told to wait. */
interface Turn {
  /** What its request is charged. */
  readonly tokens: number
  /** Until when that is kept for it. */
  readonly keptUntil: number
}

/** One request, in the account of all that were started. */
interface Start {
  /** Its number, from 1. */
  readonly number: number
  /** Its own charge in tokens. */
  readonly tokens: number
  /** Tokens charged to all requests up to and with this one. */
  readonly totalTokens: number
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
 *   that goes well, until there are as many as ever.
 * - When as many requests in a row have failed as ever ran at once (and at least 4), the server is down: one at a time asks
 *   whether it is back, after pauses as above.
 *
 * It owns no clock and no timer: it is told the time in ms, by any clock that does not run backwards, and says how long
 * to wait.
 */
export class RateLimiter {
  readonly #tokensPerMinute: number
  readonly #configured = new Map<Kind, Bucket>()
  readonly #reported = new Map<Kind, ReportedBucket>()
  readonly #random: () => number
  readonly #listeners = new Set<() => void>()
  /** Who was told to wait, first come first. */
  readonly #turns = new Map<() => void, Turn>()
  /** Requests started so far, and the tokens charged to them. */
  #started = 0
  #totalTokens = 0
  #running = 0
  #mostRunning = 0
  /** How many may run at once. */
  #window = Infinity
  #pausedUntil = -Infinity
  /** Rounds of 429 since a request went well. */
  #refusedRounds = 0
  /** Requests that failed since one went well. */
  #failuresInARow = 0
  /** The last request that was started before the newest round. What is refused up to it belongs to that round. */
  #lastOfRound = 0

  /**
   * @param random For tests: what shortens the pauses, from 0 to 1.
   * @throws {TypeError | RangeError} Naming the option, what it should be, and what it is.
   */
  constructor(options: RateLimiterOptions = {}, random: () => number = Math.random) {
    const { requestsPerMinute, tokensPerMinute } = checkOptions(options)
    if (requestsPerMinute !== undefined) this.#configured.set('requests', configuredBucket(requestsPerMinute))
    if (tokensPerMinute !== undefined) this.#configured.set('tokens', configuredBucket(tokensPerMinute))
    this.#tokensPerMinute = tokensPerMinute ?? Infinity
    this.#random = random
  }

  /**
   * Tokens that one request may be charged at all; a server refuses a larger one for ever. `Infinity` if not known.
   *
   * @internal
   */
  get largestRequest(): number {
    const reported = (['tokens', 'project-tokens'] as const).map(
      (kind) => this.#reported.get(kind)?.capacity ?? Infinity,
    )
    return Math.min(this.#tokensPerMinute, ...reported)
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
    if (this.#running >= Math.floor(this.#window)) return Infinity
    let requestsBefore = 0
    let tokensBefore = 0
    for (const [other, turn] of this.#turns) {
      if (other === listener) break
      if (turn.keptUntil < now) continue
      requestsBefore += 1
      tokensBefore += turn.tokens
    }
    const waits = this.#buckets().map(([kind, bucket]) => {
      const before = kind === 'requests' ? requestsBefore : tokensBefore
      return waitFor(bucket, before, chargeOf(kind, tokens), now)
    })
    const wait = Math.max(this.#pausedUntil - now, ...waits)
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
    for (const [kind, bucket] of this.#buckets()) {
      bucket.level = levelAt(bucket, now) - chargeOf(kind, tokens)
      bucket.at = now
    }
    this.#started += 1
    this.#totalTokens += tokens
    this.#running += 1
    this.#mostRunning = Math.max(this.#mostRunning, this.#running)

    const start: Start = { number: this.#started, tokens, totalTokens: this.#totalTokens }
    let hasEnded = false
    /** Notes the end with whatever else it means, while the request still counts as running. */
    const end = (note: () => void): void => {
      if (hasEnded) return
      hasEnded = true
      note()
      this.#running -= 1
      this.#callListeners()
    }
    return {
      report: (headers, at) => {
        // Not every client tells what they are.
        if (hasEnded || headers === undefined) return
        const reports = readRateLimits(headers)
        const hasForgotten = this.#forget(reports, start)
        this.#learn(reports, start, at)
        if (reports.length > 0 || hasForgotten) this.#callListeners()
      },
      rateLimited: (headers, at) => {
        end(() => {
          this.#slowDown(headers, start, at)
        })
      },
      end: (isHealthy, at) => {
        end(() => {
          if (isHealthy) this.#speedUp(start)
          else this.#noteFailure(at)
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

  #buckets(): [Kind, Bucket][] {
    return [...this.#configured, ...this.#reported]
  }

  /** A server that accepts a request and says nothing of a limit does not hold to what it said before: that came with a 429. */
  #forget(reports: readonly Reported[], { number }: Start): boolean {
    const before = this.#reported.size
    for (const [kind, { reporter }] of this.#reported) {
      if (reporter < number && !reports.some((report) => report.kind === kind)) this.#reported.delete(kind)
    }
    return this.#reported.size < before
  }

  #learn(reports: readonly Reported[], start: Start, now: number): void {
    for (const report of reports) {
      const { kind, limit, remaining } = report
      // Without a limit nobody knows how fast it refills.
      if (limit === undefined) continue
      // A later request has reported already, and the server counted this one before it.
      if ((this.#reported.get(kind)?.reporter ?? 0) > start.number) continue
      const startedSince =
        kind === 'requests' ? this.#started - start.number : this.#totalTokens - start.totalTokens
      this.#reported.set(kind, {
        capacity: limit,
        rate: refillRate(limit, report),
        level: Math.min(remaining, limit) - startedSince,
        at: now,
        reporter: start.number,
      })
    }
  }

  #slowDown(headers: AnyHeaders | undefined, start: Start, now: number): void {
    const reports = readRateLimits(headers)
    this.#learn(reports, start, now)
    // Requests that were in flight together and are refused together are one piece of news.
    if (start.number > this.#lastOfRound) {
      this.#lastOfRound = this.#started
      this.#refusedRounds += 1
      this.#window = Math.max(1, Math.floor(this.#running / 2))
    }
    const pause = readRetryAfter(headers) ?? this.#guessPause(timeToRefill(reports, start.tokens))
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pause)
  }

  /** The pause after a 429 that names none, from the time in which the reported limits would refill enough. */
  #guessPause(refill: number): number {
    // As with `retry-after`, no time at all is no answer. And what was waited for in vain is not believed twice: a
    // server may give everything back at once at the end of a minute.
    if (refill >= 1 && this.#refusedRounds <= 1) return refill
    return Math.max(refill, this.#backoff(this.#refusedRounds))
  }

  #backoff(row: number): number {
    const backoff = Math.min(FIRST_PAUSE * 2 ** (Math.max(1, row) - 1), MAX_PAUSE)
    // Up to a quarter less, so that several processes do not come back together.
    return backoff * (1 - this.#random() / 4)
  }

  /** When all that ran have failed and nothing went well in between, one request at a time finds out whether the server is back. */
  #noteFailure(now: number): void {
    this.#failuresInARow += 1
    const row = this.#failuresInARow - Math.max(this.#mostRunning, PATIENCE)
    if (row < 0) return
    this.#window = 1
    this.#pausedUntil = Math.max(this.#pausedUntil, now + this.#backoff(row + 1))
  }

  #speedUp(start: Start): void {
    if (start.number > this.#lastOfRound) this.#refusedRounds = 0
    this.#failuresInARow = 0
    // One more for each round trip of as many as may run.
    this.#window += 1 / this.#window
    if (this.#window > this.#mostRunning) this.#window = Infinity
  }
}

function configuredBucket(perMinute: number): Bucket {
  const rate = perMinute / MINUTE
  return { capacity: rate * BURST, rate, level: rate * BURST, at: -Infinity }
}

function chargeOf(kind: Kind, tokens: number): number {
  return kind === 'requests' ? 1 : tokens
}

function levelAt({ capacity, rate, level, at }: Bucket, now: number): number {
  return Math.min(capacity, level + rate * (now - at))
}

/**
 * Ms until a bucket has room for a charge, after what others take out of it before; 0 or less if it has. What is larger
 * than the whole bucket starts when that is full.
 */
function waitFor(bucket: Bucket, before: number, charge: number, now: number): number {
  return (before + Math.min(charge, bucket.capacity) - levelAt(bucket, now)) / bucket.rate
}

/**
 * What comes back of a reported limit per ms. A reset tells it also of a limit per day. But never more than a limit per
 * minute gives: what is left is rounded down, so that near a full limit the reset alone could tell a thousand times that.
 */
function refillRate(limit: number, { remaining, reset }: Reported): number {
  const perMinute = limit / MINUTE
  return reset && remaining < limit ? Math.min((limit - remaining) / reset, perMinute) : perMinute
}

/** Ms until every reported limit has room for a request; 0 if they have, or if that cannot be told. */
function timeToRefill(reports: readonly Reported[], tokens: number): number {
  const times = reports.map((report) => {
    const { kind, limit, remaining, reset } = report
    const charge = chargeOf(kind, tokens)
    if (remaining >= charge) return 0
    return limit === undefined
      ? (reset ?? 0)
      : (Math.min(charge, limit) - remaining) / refillRate(limit, report)
  })
  return Math.max(0, ...times)
}

function checkOptions(options: RateLimiterOptions): RateLimiterOptions {
  // What the types promise, a caller in JavaScript may not keep.
  if (kindOf(options) !== 'object')
    throw new TypeError(`Expected \`options\` to be an object, got ${show(options)}`)
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(NAMES, name))
  if (unknown !== undefined) throw new TypeError(`There is no option \`${unknown}\``)
  for (const name of Object.keys(NAMES) as (keyof RateLimiterOptions)[]) {
    const value = options[name]
    if (value === undefined) continue
    const message = `Expected \`${name}\` to be a number above 0, got ${show(value)}`
    if (typeof value !== 'number') throw new TypeError(message)
    if (!(value > 0 && value < Infinity)) throw new RangeError(message)
  }
  return options
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}' (string)`
  // Not what is in an object.
  if (value === null || typeof value === 'object' || typeof value === 'function') return kindOf(value)
  const primitive = value as number | bigint | boolean | symbol | undefined
  return `${String(primitive)} (${typeof primitive})`
}
