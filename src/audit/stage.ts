import type { AuditStage } from '../accounts/stats.ts'
import { ConfidenceSequence } from '../statistics/confidence-sequence.ts'
import { alphaOfNth } from '../statistics/correction.ts'

/**
 * A run without an effect of packing reports an effect above the margin with a probability of at
 * most half of this, over all its stages, because only the lower side counts. The first interval
 * holds with 95%.
 */
const ALPHA = 0.1
/** Parts of the capital that bets may lose. For an effect of 6 points, 0.4 is about the best. */
const STAKES = [0.05, 0.1, 0.2, 0.4, 0.8]
/** Part of the margin at which the next packs aim. Records before the step may have lost more. */
const TARGET = 1 / 3

/** What the three answers for one record show. */
export interface Comparison {
  /** Share of the two answers alone that differ from the packed answer. */
  readonly disagreement: number
  /** 1 if the two answers alone differ from each other, otherwise 0. */
  readonly noise: number
}

/**
 * Compares a packed answer with two answers alone. Without an effect of packing, the three come
 * from the same distribution, so the disagreement is expected to be as large as the noise. Their
 * difference is 1 if only the packed answer is different, and -1/2 if only one of the others is.
 */
export function compare<T>(
  packed: T,
  alone: readonly [T, T],
  same: (one: T, other: T) => boolean,
): Comparison {
  const [one, other] = alone
  const differs = (a: T, b: T): number => (same(a, b) ? 0 : 1)
  return {
    disagreement: (differs(packed, one) + differs(packed, other)) / 2,
    noise: differs(one, other),
  }
}

/**
 * Watches packs under one limit of records. The answers of one pack depend on each other, so a pack
 * is one observation: the mean of its records. The interval holds at all times together.
 */
export class Stage {
  readonly #packRecords: number
  readonly #margin: number
  readonly #sequence: ConfidenceSequence
  #packs = 0
  #records = 0
  readonly #sums = { disagreement: 0, noise: 0, size: 0 }

  /**
   * @param packRecords Largest number of records in one pack.
   * @param number Number of this stage within the run, from 1.
   */
  constructor(packRecords: number, margin: number, number: number) {
    this.#packRecords = packRecords
    this.#margin = margin
    this.#sequence = new ConfidenceSequence({
      ...{ alpha: alphaOfNth(ALPHA, number), lowest: -0.5, highest: 1, stakes: STAKES },
    })
  }

  /**
   * @param size Number of records in the pack.
   * @param comparisons Its audited records, at least one.
   */
  add(size: number, comparisons: readonly Comparison[]): void {
    const meanOf = (key: keyof Comparison): number =>
      comparisons.reduce((sum, comparison) => sum + comparison[key], 0) / comparisons.length
    const [disagreement, noise] = [meanOf('disagreement'), meanOf('noise')]
    this.#sequence.add(disagreement - noise)
    this.#packs += 1
    this.#records += comparisons.length
    this.#sums.disagreement += disagreement
    this.#sums.noise += noise
    this.#sums.size += size
  }

  /** Whether it is established that packing changes more answers than the margin allows. */
  get isBeyond(): boolean {
    return this.#sequence.interval().low > this.#margin
  }

  /**
   * Number of records in a pack that is expected to change a third of the answers that the margin
   * allows, if each record after the first adds as much. Halving would need several stages for a
   * large effect, and each stage needs new evidence.
   */
  get smaller(): number {
    const { disagreement, noise, size } = this.#sums
    const excess = Math.max((disagreement - noise) / this.#packs, this.#sequence.interval().low)
    return 1 + Math.floor(((size / this.#packs - 1) * TARGET * this.#margin) / excess)
  }

  get snapshot(): AuditStage {
    const share = (sum: number) => (this.#packs === 0 ? undefined : sum / this.#packs)
    return Object.freeze({
      packRecords: this.#packRecords,
      records: this.#records,
      disagreement: share(this.#sums.disagreement),
      noise: share(this.#sums.noise),
      interval: Object.freeze(this.#sequence.interval()),
    })
  }
}
