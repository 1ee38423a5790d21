import type { Interval } from './clusters.ts'

export interface ConfidenceSequenceOptions {
  /** The sequence ever misses the mean with at most this probability. Both sides take half. */
  readonly alpha: number
  /** The least value of an observation. */
  readonly lowest: number
  /** The greatest value of an observation. */
  readonly highest: number
  /** The greatest part of the capital that a bet may lose, below 1. */
  readonly stake?: number
}

/** Candidates for the mean, evenly spaced from `lowest` to `highest`. */
const STEPS = 2_000
/** The paper has 0.5. With 0.9, 325 clusters of 25 exclude a loss of 2 points, instead of 570. */
const STAKE = 0.9

/**
 * An interval of the mean of independent observations that holds at all times together: a user may
 * look after each observation and stop. It is the hedged capital of Waudby-Smith and Ramdas (2023,
 * JRSS B, section 4), with their predictable plug-in bets. For each candidate, a gambler bets that
 * the mean is above the candidate, and another that the mean is below. A fair game multiplies the
 * capital of either by 2 / alpha with a probability of at most alpha / 2, so a candidate at which
 * this happens is excluded. The time for an observation does not grow with their number. Either
 * side alone is an interval with alpha / 2.
 */
export class ConfidenceSequence {
  readonly #options: ConfidenceSequenceOptions
  /** The capital of both gamblers at each candidate, from 1. */
  readonly #above = new Float64Array(STEPS + 1).fill(1)
  readonly #below = new Float64Array(STEPS + 1).fill(1)
  /** The least and the greatest candidate that is still possible. */
  #first = 0
  #last = STEPS
  #count = 0
  #sum = 0
  #squares = 0

  constructor(options: ConfidenceSequenceOptions) {
    this.#options = options
  }

  /** Takes one more observation, such as the mean of a cluster. */
  add(observation: number): void {
    const { alpha, lowest, highest, stake = STAKE } = this.#options
    if (!(observation >= lowest && observation <= highest)) {
      throw new RangeError(`Expected a number from ${lowest} to ${highest}, got ${observation}`)
    }
    const x = (observation - lowest) / (highest - lowest)
    const limit = 2 / alpha
    const bet = this.#bet(limit)
    for (let at = this.#first; at <= this.#last; at++) {
      const mean = at / STEPS
      const [above, below] = [this.#above[at] ?? 1, this.#below[at] ?? 1]
      this.#above[at] = above * (1 + Math.min(bet, stake / mean) * (x - mean))
      this.#below[at] = below * (1 + Math.min(bet, stake / (1 - mean)) * (mean - x))
    }
    while (this.#first < this.#last && (this.#above[this.#first] ?? 0) >= limit) this.#first++
    while (this.#last > this.#first && (this.#below[this.#last] ?? 0) >= limit) this.#last--
    this.#count++
    this.#sum += x
    this.#squares += (x - (0.5 + this.#sum) / (this.#count + 1)) ** 2
  }

  /** Returns the means that were never excluded, rounded outwards to the next candidates. */
  interval(): Interval {
    const { lowest, highest } = this.#options
    const step = (highest - lowest) / STEPS
    return {
      low: lowest + Math.max(0, this.#first - 1) * step,
      high: lowest + Math.min(STEPS, this.#last + 1) * step,
    }
  }

  /** The bet depends on earlier observations only (formula 26 of the paper). */
  #bet(limit: number): number {
    const time = this.#count + 1
    const variance = (0.25 + this.#squares) / time
    return Math.sqrt((2 * Math.log(limit)) / (variance * time * Math.log(1 + time)))
  }
}
