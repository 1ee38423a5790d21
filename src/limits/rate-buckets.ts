import type { Reported } from './rate-headers.ts'

const MINUTE = 60_000
/**
 * How much of a configured limit may be used at once, in ms of its refill. Servers hold a limit per minute over less
 * than a minute: OpenAI calls it quantized, Azure evaluates it every 1 or 10 s.
 */
const BURST = 10_000

/** One request, in the account of all that were started. */
export interface Start {
  /** Its number, from 1. */
  readonly number: number
  /** Tokens charged to all requests up to and with this one. */
  readonly totalTokens: number
}

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

/** Limits of requests and tokens, configured and reported, and what is left of each. */
export class RateBuckets {
  readonly #tokensPerMinute: number
  readonly #configured = new Map<Kind, Bucket>()
  readonly #reported = new Map<Kind, ReportedBucket>()
  /** Tokens that one request may be charged, as a server said that refused a larger one. */
  #largestTold = Infinity
  /** Requests started so far, and the tokens charged to them. */
  #started = 0
  #totalTokens = 0

  constructor(requestsPerMinute: number | undefined, tokensPerMinute: number | undefined) {
    if (requestsPerMinute !== undefined) this.#configured.set('requests', configuredBucket(requestsPerMinute))
    if (tokensPerMinute !== undefined) this.#configured.set('tokens', configuredBucket(tokensPerMinute))
    this.#tokensPerMinute = tokensPerMinute ?? Infinity
  }

  /** Tokens that one request may be charged at all. `Infinity` if not known. */
  get largestRequest(): number {
    const reported = (['tokens', 'project-tokens'] as const).map(
      (kind) => this.#reported.get(kind)?.capacity ?? Infinity,
    )
    return Math.min(this.#tokensPerMinute, this.#largestTold, ...reported)
  }

  /** Ms until all have room for a request, after what others take out of them before; 0 or less if they have. */
  waitFor(tokens: number, before: { requests: number; tokens: number }, now: number): number {
    const waits = this.#all().map(([kind, bucket]) => {
      const taken = kind === 'requests' ? before.requests : before.tokens
      return waitFor(bucket, taken, chargeOf(kind, tokens), now)
    })
    return Math.max(...waits)
  }

  /** Charges a request to all of them. */
  take(tokens: number, now: number): Start {
    for (const [kind, bucket] of this.#all()) {
      bucket.level = levelAt(bucket, now) - chargeOf(kind, tokens)
      bucket.at = now
    }
    this.#started += 1
    this.#totalTokens += tokens
    return { number: this.#started, totalTokens: this.#totalTokens }
  }

  /** Learns from the headers of a response: as reported last, less what was started since. */
  learn(reports: readonly Reported[], start: Start, now: number): void {
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

  /** Learns what a server said that refused a larger request: the tokens that one may be charged. */
  learnLargest(tokens: number): void {
    this.#largestTold = Math.min(this.#largestTold, tokens)
  }

  /**
   * A server that accepts a request and says nothing of a limit does not hold to what it said before: that came with a
   * 429. Returns whether there was such a limit.
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
 * What comes back of a reported limit per ms. A reset tells it also of a limit per day or per second. But what is left is
 * rounded down, so that near a full limit the reset alone could tell a thousand times the truth: beyond a limit per minute
 * only what was surely used counts.
 */
function refillRate(limit: number, { remaining, reset }: Reported): number {
  const perMinute = limit / MINUTE
  if (!reset || remaining >= limit) return perMinute
  const used = limit - remaining
  return Math.max(Math.min(used / reset, perMinute), (used - 1) / reset)
}

/** Ms until every reported limit has room for a request; 0 if they have, or if that cannot be told. */
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
