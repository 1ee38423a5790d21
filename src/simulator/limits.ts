/**
 * Rate limits, counted like at OpenAI: per minute, with a continuous refill. A missing limit does
 * not apply.
 */
export type Limits = {
  /** Requests per minute, a whole number from 1. */
  requestsPerMinute?: number | undefined
  /** Tokens per minute, a whole number from 1. */
  tokensPerMinute?: number | undefined
}

/**
 * The reason for refusing a request: the limit that is used up, and the time until the request
 * would pass.
 */
export type Refusal = {
  kind: 'requests' | 'tokens'
  limit: number
  used: number
  requested: number
  /**
   * Time until the request would pass, in ms, rounded up. `undefined` if the request is larger than
   * the whole limit and will never pass.
   */
  wait: number | undefined
}

const minuteMs = 60_000

/**
 * A bucket that holds the limit of one minute. It starts full and refills at the rate of the limit.
 */
type Bucket = { kind: 'requests' | 'tokens'; limit: number; level: number; at: number }

function levelAt(bucket: Bucket, now: number): number {
  const refilled = ((now - bucket.at) * bucket.limit) / minuteMs
  // Rounding to a millionth of a request or token ensures that the returned wait is always long
  // enough.
  return Math.min(bucket.limit, Math.round((bucket.level + refilled) * 1e6) / 1e6)
}

function timeToGain(bucket: Bucket, amount: number): number {
  return Math.max(0, Math.ceil((amount * minuteMs) / bucket.limit))
}

/**
 * Both limits of one simulator. The caller passes the time in ms, by any clock that never runs
 * backwards.
 */
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

  /**
   * Charges one request with these tokens to both limits. If one limit refuses the request, charges
   * neither limit and returns the refusal.
   */
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

  /**
   * The `x-ratelimit-*` headers at this time. The reset is the time until the limit is full again.
   */
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

/**
 * Tokens charged for a request: the output cap, or an estimate of 4 characters per token of the
 * prompt. The larger number counts.
 */
export function tokenCharge(promptCharacters: number, maxTokens: number | undefined): number {
  return Math.max(maxTokens ?? 0, Math.ceil(promptCharacters / 4))
}

/** Formats whole milliseconds like Go and OpenAI: `120ms`, `8.64s`, `6m0s`, `1h0m0s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s'
  if (milliseconds < 1000) return `${milliseconds}ms`
  const hours = Math.floor(milliseconds / 3_600_000)
  const minutes = Math.floor(milliseconds / minuteMs) % 60
  const seconds = (milliseconds % minuteMs) / 1000
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`
}
