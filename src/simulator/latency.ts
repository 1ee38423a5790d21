/** The latency of simulated answers. Every number may be set so that the answer takes no time. */
export type Latency = {
  /**
   * Time from the request's arrival to the first token, in ms, without the time to read the prompt.
   * Default: 300.
   */
  timeToFirstToken: number
  /**
   * Prompt tokens that are read per second. Cached tokens take no time. `Infinity` reads all at
   * once. Default: 10,000.
   */
  promptTokensPerSecond: number
  /**
   * Tokens per second that a request writes when it runs alone. `Infinity` writes all at once.
   * Default: 80.
   */
  outputTokensPerSecond: number
  /**
   * Slowdown by each further request in flight. With `n` requests in flight, each request writes
   * `outputTokensPerSecond / (1 + slowdown * (n - 1))` tokens per second. Default: 0.01.
   */
  slowdown: number
}

/** Approximately the latency of a small hosted model. */
export const defaultLatency: Latency = {
  timeToFirstToken: 300,
  promptTokensPerSecond: 10_000,
  outputTokensPerSecond: 80,
  slowdown: 0.01,
}

/** Time from a request's arrival to its first token, in ms. */
export function firstTokenDelay(latency: Latency, uncachedPromptTokens: number): number {
  return latency.timeToFirstToken + (uncachedPromptTokens / latency.promptTokensPerSecond) * 1000
}

/**
 * Speed of each of `inFlight` requests, as a fraction of the speed of a request that runs alone.
 */
export function decodeSpeed(latency: Latency, inFlight: number): number {
  return 1 / (1 + latency.slowdown * Math.max(0, inFlight - 1))
}

/**
 * Number of tokens, of `total`, that are written after `work` ms of writing at full speed. The
 * first token is there at once, because the time to the first token is not writing time.
 */
export function tokensDue(latency: Latency, work: number, total: number): number {
  if (latency.outputTokensPerSecond === Infinity) return total
  // The small addition prevents that a rounding error delays a token that is due now.
  return Math.min(total, 1 + Math.floor((Math.max(0, work) * latency.outputTokensPerSecond) / 1000 + 1e-6))
}

/** Time of writing at full speed, in ms, after which token number `index` (from 0) is written. */
export function workUntil(latency: Latency, index: number): number {
  return (index / latency.outputTokensPerSecond) * 1000
}

/**
 * Time of writing at full speed, in ms, that each running request has done, summed over all changes
 * of load. All requests share one clock. A request's progress is the difference between two
 * readings, which is exact and does not drift.
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

  /** The current speed, as a fraction of the speed of a request that runs alone. */
  get speed(): number {
    return this.#speed
  }

  /** The reading at `now`. `now` must not be before the last change of load. */
  read(now: number): number {
    return this.#work + (now - this.#changedAt) * this.#speed
  }

  /** Tells the clock the number of running requests from `now` on. */
  setInFlight(now: number, inFlight: number): void {
    this.#work = this.read(now)
    this.#changedAt = now
    this.#speed = decodeSpeed(this.#latency, inFlight)
  }
}
