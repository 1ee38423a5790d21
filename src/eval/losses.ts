import {
  alphaOfEach,
  ConfidenceSequence,
  intraClusterCorrelation,
  mcnemarExact,
  moreRecords,
  smallestLoss,
  type Cluster,
  type Interval,
} from '../statistics/index.ts'
import { compare, pairsOf, type Compared, type Pair, type Scoring } from './compare.ts'
import { clustersOf, estimateOf, greatestMean } from './estimate.ts'
import type { Loss, Verdict } from './report.ts'
import type { Arm, Trial } from './trial.ts'

/** All losses lie in their intervals with 95%: 1% is for looks on the way, 4% for the end. */
const ALPHA_ALWAYS = 0.01
const ALPHA_AT_END = 0.04

/** Arms that may be recommended. Their losses share alpha. */
export const rivalsOf = (arms: readonly Arm[]): Arm[] =>
  arms.filter(({ kind }) => kind === 'packed' || kind === 'extra')

export interface LossOptions {
  readonly margin: number
  /** Number of arms that share alpha. */
  readonly arms: number
  /** Whether the arm has fewer records than the arm `alone`, as after an early stop. */
  readonly isShort: boolean
  /** Whether the user ended the sample, perhaps because of the losses so far. */
  readonly isAborted: boolean
  readonly isLabel: boolean
}

/** Returns the loss of an arm, from its records in the order in which they were asked. */
export function lossOf(compared: readonly Compared[], options: LossOptions): Loss {
  const { margin, arms, isLabel } = options
  const pairs = pairsOf(compared)
  const clusters = clustersOf(pairs, clusterOf, lossOfPair)
  // A pack can only gain what its records lack alone.
  const lacks = clustersOf(pairs, clusterOf, ({ reference }) => 1 - reference)
  const lowest = lacks.length === 0 ? -1 : -greatestMean(lacks)
  const range = { alpha: alphaOfEach(ALPHA_AT_END, arms), lowest, highest: 1 }
  const atEnd = estimateOf(clusters, range)
  const always = alwaysOf(clusters, sequenceFor(arms))
  const { mean } = atEnd
  const isEndChosen = options.isAborted || (options.isShort && isBeyond(always, margin))
  const interval = isEndChosen ? always : both(atEnd, always)
  // The interval at all times gives all packs the same weight, so it may miss a mean of records.
  const estimate = {
    ...atEnd,
    low: Math.min(mean, interval.low),
    high: Math.max(mean, interval.high),
  }
  const verdict = verdictOf(estimate, margin)
  return {
    ...estimate,
    always,
    verdict,
    smallest: clusters.length < 2 ? 1 : Math.min(1, smallestLoss(clusters, range)),
    more: verdict === 'unclear' ? moreFor(clusters, margin, range) : 0,
    correlation: intraClusterCorrelation(clusters),
    mcnemar: isLabel ? mcnemarOf(pairs) : undefined,
  }
}

/**
 * Says which arms cannot win any more: a loss above the margin is established, at any time. Takes
 * the trials block by block, in time that does not grow with their number.
 */
export class EarlyStop {
  readonly #scoring: Scoring
  readonly #margin: number
  readonly #sequences: ReadonlyMap<string, ConfidenceSequence>

  constructor(scoring: Scoring, margin: number) {
    const rivals = rivalsOf(scoring.arms)
    this.#scoring = scoring
    this.#margin = margin
    this.#sequences = new Map(rivals.map(({ name }) => [name, sequenceFor(rivals.length)]))
  }

  /** Takes all trials of one block, in the order of blocks. Returns the names of all such arms. */
  add(block: readonly Trial[]): string[] {
    const compared = compare(this.#scoring, block)
    const isLost = ([name, sequence]: [string, ConfidenceSequence]): boolean => {
      const pairs = pairsOf(compared.get(name) ?? [])
      return isBeyond(alwaysOf(clustersOf(pairs, clusterOf, lossOfPair), sequence), this.#margin)
    }
    return [...this.#sequences].filter(isLost).map(([name]) => name)
  }
}

export const isBeyond = ({ low }: Interval, margin: number): boolean => low > margin

export const clusterOf = ({ cluster }: Compared): string => cluster
export const lossOfPair = ({ score, reference }: Pair): number => reference - score

const verdictOf = (interval: Interval, margin: number): Verdict =>
  interval.high < margin ? 'within' : isBeyond(interval, margin) ? 'beyond' : 'unclear'

const sequenceFor = (arms: number): ConfidenceSequence =>
  new ConfidenceSequence({ alpha: alphaOfEach(ALPHA_ALWAYS, arms), lowest: -1, highest: 1 })

function alwaysOf(clusters: readonly Cluster[], sequence: ConfidenceSequence): Interval {
  for (const { sum, size } of clusters) sequence.add(Math.max(-1, Math.min(1, sum / size)))
  return sequence.interval()
}

const both = (a: Interval, b: Interval): Interval => ({
  low: Math.max(a.low, b.low),
  high: Math.min(a.high, b.high),
})

/** About how many more records show that the loss is below the margin, or else above it. */
function moreFor(
  clusters: readonly Cluster[],
  margin: number,
  range: { alpha: number; lowest: number; highest: number },
): number | undefined {
  if (clusters.length === 0) return undefined
  const below = moreRecords(clusters, margin, range)
  if (below !== Infinity) return below
  const turned = clusters.map(({ sum, size }) => ({ sum: -sum, size }))
  const above = moreRecords(turned, -margin, { ...range, lowest: -range.highest, highest: -range.lowest })
  return above === Infinity ? undefined : above
}

function mcnemarOf(pairs: readonly Pair[]): Loss['mcnemar'] {
  const onlyAlone = pairs.filter((pair) => lossOfPair(pair) > 0).length
  const onlyPacked = pairs.filter((pair) => lossOfPair(pair) < 0).length
  return { onlyAlone, onlyPacked, p: mcnemarExact(onlyAlone, onlyPacked) }
}
