import { seededRandom } from '../../src/base/random.ts'
import {
  boundedMeanInterval,
  clusterRobustInterval,
  ConfidenceSequence,
  normalQuantile,
  meanOf,
  type Interval,
} from '../../src/statistics/index.ts'
import { drawPacks, trueLoss, type PairedPack, type PairedPacks } from './paired-packs.ts'

/** How often each interval holds the true loss, and how often it says that there is a loss. */
export interface Coverage {
  readonly truth: number
  readonly independent: Rate
  readonly clusterRobust: Rate
  readonly bounded: Rate
  /** At all looks, after each pack. */
  readonly sequence: Rate
  /** The rule of `eval`. */
  readonly combined: Rate
}

/** Intervals claim to miss the loss in at most this share of samples. */
export const ALPHA = 0.05
/** The greatest loss that a user of `eval` accepts, by default. */
export const MARGIN = 0.02

interface Rate {
  readonly covers: number
  readonly finds: number
}

/** The intervals of one sample. */
export const METHODS = {
  independent: (packs: readonly PairedPack[], alpha: number): Interval => {
    const records = packs.reduce((sum, { size }) => sum + size, 0)
    const mean = meanOf(packs)
    const variance = packs.reduce((sum, { squares }) => sum + squares, 0) / records - mean ** 2
    const half = normalQuantile(1 - alpha / 2) * Math.sqrt(variance / records)
    return { low: mean - half, high: mean + half }
  },
  clusterRobust: clusterRobustInterval,
  bounded: (packs: readonly PairedPack[], alpha: number): Interval => {
    return boundedMeanInterval(packs, { alpha, lowest: -mostGain(packs), highest: 1 })
  },
  sequence: (packs: readonly PairedPack[], alpha: number): Interval => {
    const sequence = new ConfidenceSequence({ alpha, lowest: -1, highest: 1 })
    // The interval only shrinks, so the last interval holds the loss only if all before did.
    for (const { sum, size } of packs) sequence.add(sum / size)
    return sequence.interval()
  },
  /**
   * A fifth of alpha is for looks on the way: after the pack that establishes a loss above the
   * margin, the arm is stopped with the interval of that look. The rest is for one look at the end.
   */
  combined: (packs: readonly PairedPack[], alpha: number): Interval => {
    const sequence = new ConfidenceSequence({ alpha: alpha / 5, lowest: -1, highest: 1 })
    for (const { sum, size } of packs) {
      sequence.add(sum / size)
      if (sequence.interval().low > MARGIN) return sequence.interval()
    }
    const always = sequence.interval()
    const atEnd = METHODS.bounded(packs, (4 * alpha) / 5)
    return { low: Math.max(always.low, atEnd.low), high: Math.min(always.high, atEnd.high) }
  },
}

/** Packing can only gain records that were wrong alone. */
export function mostGain(packs: readonly PairedPack[]): number {
  return Math.max(...packs.map(({ wrongAlone, size }) => wrongAlone / size))
}

/** Draws many samples of the model, and counts how often each interval is right. */
export function coverageOf(model: PairedPacks, runs: number, seed: number): Coverage {
  const truth = trueLoss(model)
  const random = seededRandom(seed)
  const samples = Array.from({ length: runs }, () => drawPacks(model, random))
  const rate = (method: keyof typeof METHODS): Rate => {
    const intervals = samples.map((packs) => METHODS[method](packs, ALPHA))
    return {
      covers: intervals.filter(({ low, high }) => low <= truth && truth <= high).length / runs,
      finds: intervals.filter(({ low }) => low > 0).length / runs,
    }
  }
  return {
    truth,
    independent: rate('independent'),
    clusterRobust: rate('clusterRobust'),
    bounded: rate('bounded'),
    sequence: rate('sequence'),
    combined: rate('combined'),
  }
}
