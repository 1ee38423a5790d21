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
  /**
   * The parts of the capital that constant bets may lose. Then the capital is divided between them,
   * instead of the bets of the paper. That is faster where most observations are the same.
   */
  readonly stakes?: readonly number[]
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
  /** The capital of both gamblers at each candidate, from 1, for each bet. */
  readonly #above: readonly Float64Array[]
  readonly #below: readonly Float64Array[]
  /** The least and the greatest candidate that is still possible. */
  #first = 0
  #last = STEPS
  #count = 0
  #sum = 0
  #squares = 0

  constructor(options: ConfidenceSequenceOptions) {
    this.#options = options
    const capital = () => (options.stakes ?? [STAKE]).map(() => new Float64Array(STEPS + 1).fill(1))
    this.#above = capital()
    this.#below = capital()
  }

  /** Takes one more observation, such as the mean of a cluster. */
  add(observation: number): void {
    const { alpha, lowest, highest, stake = STAKE, stakes = [stake] } = this.#options
    if (!(observation >= lowest && observation <= highest)) {
      throw new RangeError(`Expected a number from ${lowest} to ${highest}, got ${observation}`)
    }
    const x = (observation - lowest) / (highest - lowest)
    const limit = 2 / alpha
    // No constant bet of a candidate above 0 and below 1 is larger than the number of candidates.
    const bet = this.#options.stakes ? STEPS : this.#bet(limit)
    stakes.forEach((part, which) => {
      const [above, below] = [this.#above[which] ?? [], this.#below[which] ?? []]
      for (let at = this.#first; at <= this.#last; at++) {
        const mean = at / STEPS
        above[at] = (above[at] ?? 1) * (1 + Math.min(bet, part / mean) * (x - mean))
        below[at] = (below[at] ?? 1) * (1 + Math.min(bet, part / (1 - mean)) * (mean - x))
      }
    })
    while (this.#first < this.#last && capitalAt(this.#above, this.#first) >= limit) this.#first++
    while (this.#last > this.#first && capitalAt(this.#below, this.#last) >= limit) this.#last--
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

/** The capital at a candidate, of all bets together. */
function capitalAt(bets: readonly Float64Array[], candidate: number): number {
  return bets.reduce((sum, capital) => sum + (capital[candidate] ?? 0), 0) / bets.length
}
