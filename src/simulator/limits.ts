/** Rate limits as OpenAI counts them: per minute, refilled continuously. A limit left out does not exist. */
export type Limits = {
  /** Requests per minute, a whole number from 1. */
  requestsPerMinute?: number
  /** Tokens per minute, a whole number from 1. */
  tokensPerMinute?: number
}

/** What stands in a request's way: the full bucket's name, and how long until the request would pass. */
export type Refusal = {
  kind: 'requests' | 'tokens'
  limit: number
  used: number
  requested: number
  /** Milliseconds, rounded up; `undefined` if the request is larger than the whole limit and will never pass. */
  wait: number | undefined
}

const minute = 60_000

/** A bucket that holds one minute's worth, starts full and refills at that rate. */
type Bucket = { kind: 'requests' | 'tokens'; limit: number; level: number; at: number }

function levelAt(bucket: Bucket, now: number): number {
  const refilled = ((now - bucket.at) * bucket.limit) / minute
  // Rounded far below one request or token, so that waiting exactly as long as told is always enough.
  return Math.min(bucket.limit, Math.round((bucket.level + refilled) * 1e6) / 1e6)
}

function timeToGain(bucket: Bucket, amount: number): number {
  return Math.max(0, Math.ceil((amount * minute) / bucket.limit))
}

/** Both limits of one simulator. It is told the time, in milliseconds on any clock that does not run backwards. */
export class RateLimits {
  readonly #buckets: Bucket[] = []

  constructor(limits: Limits, now: number) {
    const { requestsPerMinute, tokensPerMinute } = limits
    const add = (kind: Bucket['kind'], limit: number | undefined) => {
      if (limit !== undefined) this.#buckets.push({ kind, limit, level: limit, at: now })
    }
    add('requests', requestsPerMinute)
    add('tokens', tokensPerMinute)
  }

  /** Charges one request of this many tokens to both limits, or to neither and says why. */
  take(now: number, tokens: number): Refusal | undefined {
    const cost = { requests: 1, tokens }
    for (const bucket of this.#buckets) {
      const requested = cost[bucket.kind]
      const level = levelAt(bucket, now)
      if (level >= requested) continue
      const { kind, limit } = bucket
      const wait = requested > limit ? undefined : timeToGain(bucket, requested - level)
      return { kind, limit, used: Math.ceil(limit - level), requested, wait }
    }
    for (const bucket of this.#buckets) {
      bucket.level = levelAt(bucket, now) - cost[bucket.kind]
      bucket.at = now
    }
    return undefined
  }

  /** The `x-ratelimit-*` headers at this moment; a reset is the time until the limit is whole again. */
  headers(now: number): Record<string, string> {
    const headers: Record<string, string> = {}
    for (const bucket of this.#buckets) {
      const level = levelAt(bucket, now)
      headers[`x-ratelimit-limit-${bucket.kind}`] = String(bucket.limit)
      headers[`x-ratelimit-remaining-${bucket.kind}`] = String(Math.floor(level))
      headers[`x-ratelimit-reset-${bucket.kind}`] = formatDuration(timeToGain(bucket, bucket.limit - level))
    }
    return headers
  }
}

/** The charge for a request: the larger of its output cap and an estimate from its prompt's characters. */
export function tokenCharge(promptCharacters: number, maxTokens: number | undefined): number {
  return Math.max(maxTokens ?? 0, Math.ceil(promptCharacters / 4))
}

/** Whole milliseconds as Go prints durations, and so as OpenAI sends them: `120ms`, `8.64s`, `6m0s`, `1h0m0s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s'
  if (milliseconds < 1000) return `${milliseconds}ms`
  const hours = Math.floor(milliseconds / 3_600_000)
  const minutes = Math.floor(milliseconds / minute) % 60
  const seconds = (milliseconds % minute) / 1000
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`
}
