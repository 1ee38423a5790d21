import type { Interval } from './clusters.ts'
import { normalQuantile } from './distributions.ts'

/**
 * Returns the interval of a share, such as an accuracy, of independent observations (Wilson 1927;
 * method 3 of Newcombe 1998).
 */
export function wilsonInterval(successes: number, count: number, alpha: number): Interval {
  if (count === 0) return { low: 0, high: 1 }
  const z = normalQuantile(1 - alpha / 2)
  const share = successes / count
  const centre = share + z ** 2 / (2 * count)
  const half = z * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2))
  const scale = 1 + z ** 2 / count
  return { low: Math.max(0, (centre - half) / scale), high: Math.min(1, (centre + half) / scale) }
}
