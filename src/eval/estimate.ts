import { boundedMeanInterval, meanOf, type Cluster, type SquaredCluster } from '../statistics/index.ts'
import type { Estimate } from './report.ts'

/** Sums the values of items with the same key, in the order of the first item of each key. */
export function clustersOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  valueOf: (item: T) => number,
): SquaredCluster[] {
  return [...Map.groupBy(items, keyOf).values()].map((group) => {
    const values = group.map(valueOf)
    return {
      size: values.length,
      sum: values.reduce((sum, value) => sum + value, 0),
      squares: values.reduce((sum, value) => sum + value ** 2, 0),
    }
  })
}

/** The limits of a mean that are known before the first record. */
export interface Range {
  readonly alpha: number
  readonly lowest: number
  readonly highest: number
}

/** Estimates a mean. Without records, the mean is 0 and the interval is the range. */
export function estimateOf(clusters: readonly Cluster[], range: Range): Estimate {
  if (clusters.length === 0) return { mean: 0, low: range.lowest, high: range.highest, records: 0 }
  const records = clusters.reduce((sum, { size }) => sum + size, 0)
  return { mean: meanOf(clusters), ...boundedMeanInterval(clusters, range), records }
}

/** The greatest mean of a cluster: 0 without clusters. */
export const greatestMean = (clusters: readonly Cluster[]): number =>
  clusters.reduce((most, { sum, size }) => Math.max(most, sum / size), 0)
