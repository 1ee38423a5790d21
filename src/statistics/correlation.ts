import { meanOf, type Cluster } from './clusters.ts'

/** A cluster whose observations also have a sum of squares. */
export interface SquaredCluster extends Cluster {
  readonly squares: number
}

/**
 * Returns the estimated correlation of two observations of the same cluster, from the variance
 * between and within clusters (the ANOVA estimator; Donner 1986, section 2.2). It is 0 for an
 * estimate below 0, for clusters of one observation, and for observations that are all alike.
 */
export function intraClusterCorrelation(clusters: readonly SquaredCluster[]): number {
  const count = clusters.length
  const records = clusters.reduce((size, cluster) => size + cluster.size, 0)
  if (count < 2 || records === count) return 0
  const mean = meanOf(clusters)
  const between = clusters.reduce((sum, { sum: of, size }) => sum + size * (of / size - mean) ** 2, 0)
  const within = clusters.reduce((sum, { sum: of, size, squares }) => sum + squares - of ** 2 / size, 0)
  const betweenMean = between / (count - 1)
  const withinMean = within / (records - count)
  const usualSize = (records - clusters.reduce((sum, { size }) => sum + size ** 2, 0) / records) / (count - 1)
  const all = betweenMean + (usualSize - 1) * withinMean
  return all === 0 ? 0 : Math.max(0, (betweenMean - withinMean) / all)
}
