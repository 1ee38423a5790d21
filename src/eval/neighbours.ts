import { isFlipOf, pairsOf, type Compared, type Pair, type Scoring } from './compare.ts'
import { clustersOf, estimateOf, greatestMean } from './estimate.ts'
import { clusterOf, lossOfPair } from './losses.ts'
import type { Estimate, Influence, Runs } from './report.ts'

const ALPHA = 0.05
const SHARE = { alpha: ALPHA, lowest: 0, highest: 1 }
/** Records before a record that make a run if they have one label. */
const RUN = 2

/** Compares the flips between two shuffles of the same packs with the flips of packs of one. */
export function influenceOf(
  packed: readonly Compared[],
  reshuffled: readonly Compared[],
  noise: readonly Compared[],
  label: Scoring['label'],
): Omit<Influence, 'size'> | undefined {
  const others = new Map(reshuffled.map((one) => [one.trial.record, one]))
  const isNoiseOf = new Map(noise.map((one) => [one.trial.record, one.isFlip]))
  const records = packed.flatMap((one) => {
    const other = others.get(one.trial.record)
    const isNoise = isNoiseOf.get(one.trial.record)
    if (!other || isNoise === undefined) return []
    const flip = Number(isFlipOf(one.trial, other.trial, label))
    return [
      { record: one.trial.record, first: one.cluster, second: other.cluster, flip, noise: Number(isNoise) },
    ]
  })
  if (records.length === 0) return undefined
  type Flip = (typeof records)[number]
  const noises = estimateOf(
    clustersOf(
      records,
      ({ record }) => `${record}`,
      ({ noise }) => noise,
    ),
    SHARE,
  )
  // Each shuffle has clusters of its own. The variance of both together is at most their sum.
  const of = (valueOf: (record: Flip) => number, mostBelow0: (record: Flip) => number): Estimate => {
    const [a, b] = (['first', 'second'] as const).map((shuffle) => {
      const keyOf = (record: Flip): string => record[shuffle]
      const lowest = -greatestMean(clustersOf(records, keyOf, mostBelow0))
      return estimateOf(clustersOf(records, keyOf, valueOf), { ...SHARE, lowest })
    }) as [Estimate, Estimate]
    const { mean } = a
    return {
      ...a,
      low: mean - Math.hypot(mean - a.low, mean - b.low),
      high: Math.min(1, mean + Math.hypot(a.high - mean, b.high - mean)),
    }
  }
  const beyond = of(
    ({ flip, noise }) => flip - noise,
    ({ noise }) => noise,
  )
  return {
    packed: of(
      ({ flip }) => flip,
      () => 0,
    ),
    noise: noises,
    beyond,
    isShown: beyond.low > 0,
  }
}

/**
 * Compares records behind a run of one label, as in a sorted input, with the other records. The
 * shuffled sample has such runs by chance.
 */
export function runsOf(compared: readonly Compared[]): Omit<Runs, 'size'> | undefined {
  const placeOf = ({ request, position }: Compared['trial'], before: number): string =>
    `${request}/${(position ?? 0) - before}`
  const labels = new Map(compared.map(({ trial, truth }) => [placeOf(trial, 0), truth]))
  const kindOf = ({ trial }: Pair): 'run' | 'other' | undefined => {
    const before = Array.from({ length: RUN }, (_, at) => labels.get(placeOf(trial, at + 1)))
    if (trial.request === undefined || before.includes(undefined)) return undefined
    return before.every((label) => label === before[0]) ? 'run' : 'other'
  }
  const kinds = Map.groupBy(pairsOf(compared), kindOf)
  const [run, other] = [kinds.get('run'), kinds.get('other')]
  if (!run || !other) return undefined
  // Both intervals hold together, so their difference does.
  const [inRuns, others] = [run, other].map((pairs) => {
    const lowest = -greatestMean(clustersOf(pairs, clusterOf, ({ reference }) => 1 - reference))
    return estimateOf(clustersOf(pairs, clusterOf, lossOfPair), { alpha: ALPHA / 2, lowest, highest: 1 })
  }) as [Estimate, Estimate]
  const difference = {
    mean: inRuns.mean - others.mean,
    low: inRuns.low - others.high,
    high: inRuns.high - others.low,
    records: inRuns.records,
  }
  return { inRuns, others, difference, isShown: difference.low > 0 }
}
