import { alphaOfEach } from '../statistics/index.ts'
import type { Compared } from './compare.ts'
import { clustersOf, estimateOf, greatestMean } from './estimate.ts'
import { clusterOf } from './losses.ts'
import type { ArmReport } from './report.ts'

const ALPHA = 0.05
const MOST_CONFUSIONS = 20

/** Returns the pairs of labels that packing confuses more often, by the difference. */
export function confusionsOf(compared: readonly Compared[]): ArmReport['confusions'] {
  const counts = new Map<string, { gold: string; said: string; packed: number; alone: number }>()
  const count = (gold: string, said: string, arm: 'packed' | 'alone'): void => {
    if (gold === said) return
    const key = JSON.stringify([gold, said])
    const pair = counts.get(key) ?? { gold, said, packed: 0, alone: 0 }
    pair[arm]++
    counts.set(key, pair)
  }
  for (const { truth, said, saidByReference } of compared) {
    // A rejected record says nothing, so it confuses nothing.
    if (truth === undefined || said === undefined || saidByReference === undefined) continue
    count(truth, said, 'packed')
    count(truth, saidByReference, 'alone')
  }
  return [...counts.values()]
    .filter(({ packed, alone }) => packed > alone)
    .toSorted((a, b) => b.packed - b.alone - (a.packed - a.alone) || b.packed - a.packed)
    .slice(0, MOST_CONFUSIONS)
}

/** Returns the share of each label beside its share alone, the greatest gain first. */
export function sharesOf(compared: readonly Compared[], arms: number): ArmReport['shares'] {
  const both = compared.filter(({ said, saidAlone }) => said !== undefined && saidAlone !== undefined)
  const labels = [...new Set(both.flatMap(({ said, saidAlone }) => [said ?? '', saidAlone ?? '']))]
  const alpha = alphaOfEach(ALPHA, labels.length * arms)
  const shares = labels.map((label) => {
    const packed = both.filter(({ said }) => said === label).length / both.length
    const alone = both.filter(({ saidAlone }) => saidAlone === label).length / both.length
    const isAlone = ({ saidAlone }: Compared): number => Number(saidAlone === label)
    const clusters = clustersOf(both, clusterOf, (one) => Number(one.said === label) - isAlone(one))
    // A pack can only take the label from records that have it alone.
    const lowest = -greatestMean(clustersOf(both, clusterOf, isAlone))
    const { low, high } = estimateOf(clusters, { alpha, lowest, highest: 1 })
    return { label, packed, alone, difference: { low, high }, isAlarm: low > 0 }
  })
  return shares.toSorted((a, b) => b.packed - b.alone - (a.packed - a.alone))
}
