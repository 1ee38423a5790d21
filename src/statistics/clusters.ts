import { studentQuantile } from './distributions.ts'

/** Observations that depend on each other, by their number and sum. Clusters are independent. */
export interface Cluster {
  readonly sum: number
  readonly size: number
}

export interface Interval {
  readonly low: number
  readonly high: number
}

/** Returns the mean of all observations. */
export function meanOf(clusters: readonly Cluster[]): number {
  const sums = clusters.reduce((sum, cluster) => sum + cluster.sum, 0)
  return sums / clusters.reduce((size, cluster) => size + cluster.size, 0)
}

/**
 * Returns the standard error of the mean of all observations when those of one cluster depend on
 * each other: the sandwich of Liang and Zeger (1986) as in Miller (2024, arXiv 2411.00640, formula
 * 4), times the usual correction K / (K - 1) for K clusters.
 */
export function clusterRobustError(clusters: readonly Cluster[]): number {
  const mean = meanOf(clusters)
  const size = clusters.reduce((sum, cluster) => sum + cluster.size, 0)
  const squares = clusters.reduce((sum, cluster) => sum + (cluster.sum - cluster.size * mean) ** 2, 0)
  const count = clusters.length
  return Math.sqrt((squares * count) / (count - 1)) / size
}

/**
 * Returns the usual interval for clusters, with K - 1 degrees of freedom. It fails if few clusters
 * decide the mean: `boundedMeanInterval` holds then too.
 */
export function clusterRobustInterval(clusters: readonly Cluster[], alpha: number): Interval {
  const half = studentQuantile(1 - alpha / 2, clusters.length - 1) * clusterRobustError(clusters)
  const mean = meanOf(clusters)
  return { low: mean - half, high: mean + half }
}
