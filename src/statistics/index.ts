/* Statistics of observations in clusters, which know nothing of packs, records and models. */
export { boundedMeanInterval, type BoundedMeanOptions } from './bounded-mean.ts'
export { clusterRobustError, clusterRobustInterval, meanOf, type Cluster, type Interval } from './clusters.ts'
export { ConfidenceSequence, type ConfidenceSequenceOptions } from './confidence-sequence.ts'
export { alphaOfEach, alphaOfNth } from './correction.ts'
export { intraClusterCorrelation, type SquaredCluster } from './correlation.ts'
export { normalQuantile, studentQuantile } from './distributions.ts'
export { mcnemarExact } from './mcnemar.ts'
export {
  designEffect,
  expectedClusters,
  moreRecords,
  smallestLoss,
  type ExpectedSample,
} from './sample-size.ts'
export { shuffled } from './sample.ts'
export { wilsonInterval } from './wilson.ts'
