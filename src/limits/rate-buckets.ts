import type { Reported } from './rate-headers.ts'

const MINUTE_MS = 60_000
/**
 * Part of a configured limit that may be used at once, as ms of refill. Servers check a limit per
 * minute over shorter times: OpenAI quantizes the limit, and Azure evaluates it every 1 or 10 s.
 */
export const BURST_MS = 10_000

/** The totals at the start of one request. */
export interface Start {
  /** Number of the request, from 1. */
  readonly number: number
  /** Tokens charged to all requests so far, including this request. */
  readonly totalTokens: number
}

type Kind = Reported['kind']

/**
 * A limit that refills continuously. The level falls below 0 after a request that is larger than
 * the capacity.
 */
interface Bucket {
  readonly capacity: number
  /** Refill per ms. */
  readonly rate: number
  level: number
  /** Time at which the bucket had this level, in ms. */
  at: number
}

interface ReportedBucket extends Bucket {
  /** Number of the request whose response reported the limit. */
  readonly reporter: number
}

/** The configured and the reported limits of requests and tokens, and how much is left of each. */
export class RateBuckets {
  readonly #tokensPerMinute: number
  readonly #configured = new Map<Kind, Bucket>()
  readonly #reported = new Map<Kind, ReportedBucket>()
  /**
   * Largest number of tokens for one request, as a server said when it refused a larger request.
   */
  #largestTold = Infinity
  /** Requests started so far, and the tokens charged to them. */
  #started = 0
  #totalTokens = 0

  constructor(requestsPerMinute: number | undefined, tokensPerMinute: number | undefined) {
    if (requestsPerMinute !== undefined) this.#configured.set('requests', configuredBucket(requestsPerMinute))
    if (tokensPerMinute !== undefined) this.#configured.set('tokens', configuredBucket(tokensPerMinute))
    this.#tokensPerMinute = tokensPerMinute ?? Infinity
  }

  /** Largest number of tokens that one request may be charged. `Infinity` if it is not known. */
  get largestRequest(): number {
    const reported = (['tokens', 'project-tokens'] as const).map(
      (kind) => this.#reported.get(kind)?.capacity ?? Infinity,
    )
    return Math.min(this.#tokensPerMinute, this.#largestTold, ...reported)
  }

  /**
   * Time until all buckets have room for a request, in ms, after other requests have taken
   * `before`. 0 or less if there is room now.
   */
  waitFor(tokens: number, before: { requests: number; tokens: number }, now: number): number {
    const waits = this.#all().map(([kind, bucket]) => {
      const taken = kind === 'requests' ? before.requests : before.tokens
      return waitFor(bucket, taken, chargeOf(kind, tokens), now)
    })
    return Math.max(...waits)
  }

  /** Charges a request to all buckets. */
  take(tokens: number, now: number): Start {
    for (const [kind, bucket] of this.#all()) {
      bucket.level = levelAt(bucket, now) - chargeOf(kind, tokens)
      bucket.at = now
    }
    this.#started += 1
    this.#totalTokens += tokens
    return { number: this.#started, totalTokens: this.#totalTokens }
  }

  /**
   * Learns from the headers of a response. The level is the reported level minus the requests that
   * have started since.
   */
  learn(reports: readonly Reported[], start: Start, now: number): void {
    for (const report of reports) {
      const { kind, limit, remaining } = report
      // Without the size of the limit, the refill rate is unknown.
      if (limit === undefined) continue
      // A later request has already reported. The server counted this request before it.
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

  /**
   * Learns the largest number of tokens for one request, which a server said when it refused a
   * larger request.
   */
  learnLargest(tokens: number): void {
    this.#largestTold = Math.min(this.#largestTold, tokens)
  }

  /**
   * Forgets reported limits that no longer hold. A server sometimes reports a limit only with a
   * 429. If it then accepts a request and does not report the limit, the limit no longer holds.
   *
   * @returns Whether there was such a limit.
   */
  forget(reports: readonly Reported[], { number }: Start): boolean {
    const before = this.#reported.size
    for (const [kind, { reporter }] of this.#reported) {
      if (reporter < number && !reports.some((report) => report.kind === kind)) this.#reported.delete(kind)
    }
    return this.#reported.size < before
  }

  #all(): [Kind, Bucket][] {
    return [...this.#configured, ...this.#reported]
  }
}

/** The part of a configured limit that may be used at once. */
export function burstOf(perMinute: number): number {
  return (perMinute / MINUTE_MS) * BURST_MS
}

function configuredBucket(perMinute: number): Bucket {
  const capacity = burstOf(perMinute)
  return { capacity, rate: perMinute / MINUTE_MS, level: capacity, at: -Infinity }
}

function chargeOf(kind: Kind, tokens: number): number {
  return kind === 'requests' ? 1 : tokens
}

function levelAt({ capacity, rate, level, at }: Bucket, now: number): number {
  return Math.min(capacity, level + rate * (now - at))
}

/**
 * Time until a bucket has room for a charge, in ms, after other requests have taken `before` from
 * it. 0 or less if there is room now. A charge that is larger than the bucket waits until the
 * bucket is full.
 */
function waitFor(bucket: Bucket, before: number, charge: number, now: number): number {
  return (before + Math.min(charge, bucket.capacity) - levelAt(bucket, now)) / bucket.rate
}

/**
 * How fast a reported limit refills, per ms.
 *
 * The reset time shows the rate of a limit per day or per second as well. But the server rounds the
 * remaining amount down. Near a full limit, the reset time alone could suggest a rate that is a
 * thousand times too high. So a rate above a limit per minute counts only the amount that was
 * certainly used.
 */
function refillRate(limit: number, { remaining, reset }: Reported): number {
  const perMinute = limit / MINUTE_MS
  if (!reset || remaining >= limit) return perMinute
  const used = limit - remaining
  return Math.max(Math.min(used / reset, perMinute), (used - 1) / reset)
}

/**
 * Time until every reported limit has room for a request, in ms. 0 if there is room now, or if the
 * reports do not show the time.
 */
export function timeToRefill(reports: readonly Reported[], tokens: number): number {
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
