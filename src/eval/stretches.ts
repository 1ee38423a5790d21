import { alphaOfEach } from '../statistics/index.ts'
import type { Pair } from './compare.ts'
import { clustersOf, estimateOf } from './estimate.ts'
import { clusterOf } from './losses.ts'
import type { Stretch } from './report.ts'
import type { SampleRecord } from './trial.ts'

const ALPHA = 0.05
const MOST_BY_POSITION = 10
const MOST_BY_LENGTH = 5

/** By the place in the pack, as a share of its records: 0 is the first, 1 the last. */
export function byPosition(pairs: readonly Pair[], size: number): Stretch[] {
  const count = Math.min(size, MOST_BY_POSITION)
  const bands = Array.from({ length: count }, (_, at) => ({ from: at / count, to: (at + 1) / count }))
  return stretches(pairs, bands, ({ trial: { position, size: of } }) =>
    position === undefined || of === undefined || of < 2 ? undefined : (position - 0.5) / of,
  )
}

/** By the number of records before it in the pack: 0, 1, 2 to 3, 4 to 7, and so on. */
export function byBefore(pairs: readonly Pair[], size: number): Stretch[] {
  const bands = [{ from: 0, to: 0 }]
  for (let from = 1; from < size; from *= 2) bands.push({ from, to: Math.min(2 * from, size) - 1 })
  return stretches(pairs, bands, ({ trial: { position } }) => position && position - 1)
}

/** By length, with about the same number of records in each stretch. */
export function byLength(pairs: readonly Pair[], sample: readonly SampleRecord[]): Stretch[] {
  const tokensOf = ({ trial }: Pair): number => sample[trial.record]?.tokens ?? 0
  const lengths = pairs.map(tokensOf).toSorted((a, b) => a - b)
  const ends = Array.from(
    { length: MOST_BY_LENGTH },
    (_, at) => lengths[Math.ceil(((at + 1) * lengths.length) / MOST_BY_LENGTH) - 1] ?? 0,
  )
  const last = [...new Set(ends)]
  const bands = last.map((to, at) => ({ from: at === 0 ? (lengths[0] ?? 0) : (last[at - 1] ?? 0) + 1, to }))
  return stretches(pairs, bands, tokensOf)
}

/** The intervals of all stretches hold together. Stretches without records are left out. */
function stretches(
  pairs: readonly Pair[],
  bands: readonly { readonly from: number; readonly to: number }[],
  placeOf: (pair: Pair) => number | undefined,
): Stretch[] {
  const bandOf = (pair: Pair): number => {
    const place = placeOf(pair)
    return place === undefined ? -1 : bands.findIndex(({ to }) => place <= to)
  }
  const byBand = Map.groupBy(pairs, bandOf)
  const range = { alpha: alphaOfEach(ALPHA, bands.length), lowest: 0, highest: 1 }
  return bands.flatMap((band, at) => {
    const inBand = byBand.get(at)
    if (!inBand) return []
    const alone = inBand.reduce((sum, { reference }) => sum + reference, 0) / inBand.length
    return [
      {
        ...band,
        ...estimateOf(
          clustersOf(inBand, clusterOf, ({ score }) => score),
          range,
        ),
        alone,
      },
    ]
  })
}
