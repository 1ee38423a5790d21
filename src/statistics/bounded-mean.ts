import { meanOf, type Cluster, type Interval } from './clusters.ts'
import { normalQuantile } from './distributions.ts'

export interface BoundedMeanOptions {
  /** The interval misses the mean in at most this share of samples. Both sides take half. */
  readonly alpha: number
  /** The least mean that a cluster can have. */
  readonly lowest: number
  /** The greatest mean that a cluster can have. */
  readonly highest: number
  /** The interval as if each cluster had been seen so often. */
  readonly times?: number
}

/**
 * Returns the interval of a mean from one look at the end. It holds for few clusters, and when a
 * few clusters go badly wrong, seen or not: each side counts one more cluster, the worst possible.
 * The clusters then get random weights (Dirichlet), and the bound is a quantile of their mean
 * (Gaffke 2005; Learned-Miller and Thomas 2020). It is proven for some distributions only, but no
 * distribution is known for which it fails. For values of 0 and 1, it is Clopper and Pearson's
 * interval; for many clusters, it comes near the cluster-robust interval.
 */
export function boundedMeanInterval(clusters: readonly Cluster[], options: BoundedMeanOptions): Interval {
  const { alpha, lowest, highest, times = 1 } = options
  const mirrored = clusters.map(({ sum, size }) => ({ sum: -sum, size }))
  return {
    low: -upperBound(mirrored, -lowest, alpha / 2, times),
    high: upperBound(clusters, highest, alpha / 2, times),
  }
}

function upperBound(clusters: readonly Cluster[], highest: number, alpha: number, times: number): number {
  const size = clusters.reduce((sum, cluster) => sum + cluster.size, 0) / clusters.length
  const groups = [...alike(clusters, times), { sum: highest * size, size, count: 1 }]
  let low = meanOf(clusters)
  let high = highest
  const wanted = normalQuantile(1 - alpha)
  while (high - low > 1e-9) {
    const middle = (low + high) / 2
    if (deviation(groups, middle) < wanted) low = middle
    else high = middle
  }
  return high
}

interface Group extends Cluster {
  count: number
}

/** Counts the clusters that are alike, so that the work does not grow with their number. */
function alike(clusters: readonly Cluster[], times: number): Group[] {
  const groups = new Map<string, Group>()
  for (const { sum, size } of clusters) {
    const key = `${sum}/${size}`
    const group = groups.get(key)
    if (group) group.count += times
    else groups.set(key, { sum, size, count: times })
  }
  return [...groups.values()]
}

/**
 * Returns how many standard deviations of a normal variable the event "the weighted mean is above
 * `mean`" lies out. The weighted mean is above it if a sum of exponential variables, each times its
 * value of `sum - mean * size`, is above 0. Its tail is taken from the saddlepoint approximation
 * (Barndorff-Nielsen 1986, r*), with the cumulant function -Σ count log(1 - s value).
 */
function deviation(groups: readonly Group[], mean: number): number {
  const terms = groups.map(({ sum, size, count }) => ({ value: sum - mean * size, count }))
  const most = Math.max(...terms.map(({ value }) => value))
  if (most <= 0) return Infinity
  // The derivative of the cumulant function grows with s, and is 0 at the saddlepoint.
  let low = 0
  let high = 1 / most
  for (let middle = high / 2; middle > low && middle < high; middle = (low + high) / 2) {
    const slope = terms.reduce((sum, { value, count }) => sum + (count * value) / (1 - middle * value), 0)
    if (slope < 0) low = middle
    else high = middle
  }
  const s = low
  const cumulant = -terms.reduce((sum, { value, count }) => sum + count * Math.log1p(-s * value), 0)
  const curve = terms.reduce((sum, { value, count }) => sum + count * (value / (1 - s * value)) ** 2, 0)
  const w = Math.sqrt(-2 * cumulant)
  const u = s * Math.sqrt(curve)
  return w < 1e-4 ? w : w + Math.log(u / w) / w
}
