/** How long a simulated answer takes. Every number may be such that it takes no time at all. */
export type Latency = {
  /** Milliseconds from the request's arrival to the first token, before any reading of the prompt. Default 300. */
  timeToFirstToken: number
  /** Tokens of prompt read per second, cached ones excepted; `Infinity` reads at once. Default 10,000. */
  promptTokensPerSecond: number
  /** Tokens written per second by a request that runs alone; `Infinity` writes at once. Default 80. */
  outputTokensPerSecond: number
  /**
   * How much each further request in flight slows writing: with `n` in flight each writes at
   * `outputTokensPerSecond / (1 + slowdown * (n - 1))`. Default 0.01.
   */
  slowdown: number
}

/** About what a small hosted model does. */
export const defaultLatency: Latency = {
  timeToFirstToken: 300,
  promptTokensPerSecond: 10_000,
  outputTokensPerSecond: 80,
  slowdown: 0.01,
}

/** Milliseconds from a request's arrival to its first token. */
export function firstTokenDelay(latency: Latency, uncachedPromptTokens: number): number {
  return latency.timeToFirstToken + (uncachedPromptTokens / latency.promptTokensPerSecond) * 1000
}

/** How fast each of `inFlight` requests writes, as a fraction of one that runs alone. */
export function decodeSpeed(latency: Latency, inFlight: number): number {
  return 1 / (1 + latency.slowdown * Math.max(0, inFlight - 1))
}

/**
 * How many of `total` tokens are written after `work` milliseconds of unslowed writing. The first is there at
 * once: the time to the first token is not writing time.
 */
export function tokensDue(latency: Latency, work: number, total: number): number {
  if (latency.outputTokensPerSecond === Infinity) return total
  // The small addition keeps a token that is due now from waiting for a rounding error.
  return Math.min(total, 1 + Math.floor((Math.max(0, work) * latency.outputTokensPerSecond) / 1000 + 1e-6))
}

/** Milliseconds of unslowed writing after which token number `index` (from 0) is written. */
export function workUntil(latency: Latency, index: number): number {
  return (index / latency.outputTokensPerSecond) * 1000
}

/**
 * Milliseconds of unslowed writing that each running request has done, summed over every change of load. With one
 * such clock for all requests, a request's progress is a difference of two readings, exact and without drift.
 */
export class WorkClock {
  readonly #latency: Latency
  #work = 0
  #changedAt: number
  #speed = 1

  constructor(latency: Latency, now: number) {
    this.#latency = latency
    this.#changedAt = now
  }

  /** The present speed, as a fraction of a request's that runs alone. */
  get speed(): number {
    return this.#speed
  }

  /** The reading at `now`, which must not be before the last change of load. */
  read(now: number): number {
    return this.#work + (now - this.#changedAt) * this.#speed
  }

  /** Tells the clock that from `now` on this many requests run. */
  setInFlight(now: number, inFlight: number): void {
    this.#work = this.read(now)
    this.#changedAt = now
    this.#speed = decodeSpeed(this.#latency, inFlight)
  }
}
