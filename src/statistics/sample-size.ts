import { boundedMeanInterval, type BoundedMeanOptions } from './bounded-mean.ts'
import { clusterRobustError, meanOf, type Cluster } from './clusters.ts'
import { normalQuantile } from './distributions.ts'

/** A sample as it is expected before it is taken. */
export interface ExpectedSample {
  readonly records: number
  readonly clusterSize: number
  /** The share of records with a difference, such as a label that was right only alone. */
  readonly discordance: number
  readonly correlation: number
}

/** Returns by how much correlation multiplies the variance of a mean (Kish 1965). */
export function designEffect(clusterSize: number, correlation: number): number {
  return 1 + (clusterSize - 1) * correlation
}

/** Returns clusters with a mean of 0 and the expected variance, to ask what they could show. */
export function expectedClusters(sample: ExpectedSample): Cluster[] {
  const { records, clusterSize, discordance, correlation } = sample
  const deviation = Math.sqrt(discordance * clusterSize * designEffect(clusterSize, correlation))
  const count = 2 * Math.max(1, Math.round(records / clusterSize / 2))
  return Array.from({ length: count }, (_, at) => ({
    sum: at % 2 === 0 ? deviation : -deviation,
    size: clusterSize,
  }))
}

/**
 * Returns the smallest true mean that the share `power` of samples with this variance shows to be
 * above 0.
 */
export function smallestLoss(clusters: readonly Cluster[], options: BoundedMeanOptions, power = 0.8): number {
  const { low } = boundedMeanInterval(clusters, options)
  return meanOf(clusters) - low + normalQuantile(power) * clusterRobustError(clusters)
}

/**
 * Returns about how many more records show that the mean is below `margin`, if they are like those
 * so far: 0 if these are enough, Infinity if their mean is not below the margin.
 */
export function moreRecords(
  clusters: readonly Cluster[],
  margin: number,
  options: BoundedMeanOptions,
): number {
  if (meanOf(clusters) >= margin) return Infinity
  const isEnough = (times: number): boolean =>
    boundedMeanInterval(clusters, { ...options, times }).high < margin
  let [low, high] = [1, 1]
  while (!isEnough(high)) [low, high] = [high, 2 * high]
  while (high - low > 0.001 * high) {
    const middle = (low + high) / 2
    if (isEnough(middle)) high = middle
    else low = middle
  }
  const records = clusters.reduce((size, cluster) => size + cluster.size, 0)
  return Math.ceil((high - 1) * records)
}
