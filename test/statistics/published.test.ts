import { expect, test } from 'vitest'
import {
  clusterRobustError,
  clusterRobustInterval,
  intraClusterCorrelation,
  mcnemarExact,
  meanOf,
  wilsonInterval,
} from '../../src/statistics/index.ts'

test.each([
  // Newcombe (1998), table I, method 3.
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
])("Wilson's interval of %i in %i", (successes, count, low, high) => {
  const interval = wilsonInterval(successes, count, 0.05)
  expect(interval.low).toBeCloseTo(low, 4)
  expect(interval.high).toBeCloseTo(high, 4)
  const others = wilsonInterval(count - successes, count, 0.05)
  expect(others.low).toBeCloseTo(1 - interval.high, 12)
  expect(others.high).toBeCloseTo(1 - interval.low, 12)
})

test("Wilson's interval of nothing says nothing", () => {
  expect(wilsonInterval(0, 0, 0.05)).toEqual({ low: 0, high: 1 })
})

test.each([
  // Approval of a prime minister in two surveys: Agresti, and exact2x2 in R, 3.716e-05.
  [86, 150, 3.7159361395713866e-5],
  // The example of statsmodels.
  [121, 59, 4.4344492637551645e-6],
  [3, 1, 0.625],
  [5, 5, 1],
  [0, 0, 1],
  [6, 0, 0.03125],
])("McNemar's exact test of %i against %i", (first, second, p) => {
  expect(Math.abs(mcnemarExact(first, second) / p - 1)).toBeLessThan(1e-11)
  expect(mcnemarExact(second, first)).toBe(mcnemarExact(first, second))
})

/** Five clusters of unequal size. */
const groups = [
  [1, 0, 0, -1],
  [0, 0, 1],
  [1, 1, 0, 0, 0],
  [0, -1],
  [0, 0, 0, 1],
]
const clusters = groups.map((group) => ({
  sum: group.reduce((sum, one) => sum + one, 0),
  size: group.length,
  squares: group.reduce((sum, one) => sum + one ** 2, 0),
}))

test("the cluster-robust error is statsmodels' (OLS, cov_type cluster), times its correction", () => {
  expect(meanOf(clusters)).toBeCloseTo(0.16666667, 8)
  expect(clusterRobustError(clusters)).toBeCloseTo(0.11033681 * Math.sqrt(5 / 4), 8)
  // With t of 4 degrees of freedom.
  const { low, high } = clusterRobustInterval(clusters, 0.05)
  expect((high - low) / 2).toBeCloseTo(2.7764451051977934 * 0.11033681 * Math.sqrt(5 / 4), 7)
  expect((high + low) / 2).toBeCloseTo(meanOf(clusters), 12)
})

test('clusters of one have the usual standard error (Miller 2024, formula 1)', () => {
  const alone = groups.flat().map((sum) => ({ sum, size: 1 }))
  const mean = meanOf(alone)
  const variance = alone.reduce((total, { sum }) => total + (sum - mean) ** 2, 0) / (alone.length - 1)
  expect(clusterRobustError(alone)).toBeCloseTo(Math.sqrt(variance / alone.length), 12)
})

test('the correlation within clusters: the estimator by hand, and its ends', () => {
  // Two clusters of 2: between 2.25, within 0.25, so (2.25 - 0.25) / (2.25 + 0.25).
  const byHand = [
    { sum: 3, size: 2, squares: 5 },
    { sum: 0, size: 2, squares: 0 },
  ]
  expect(intraClusterCorrelation(byHand)).toBeCloseTo(0.8, 12)
  const same = [1, 0, 0, 1].map((sum) => ({ sum: 5 * sum, size: 5, squares: 5 * sum }))
  expect(intraClusterCorrelation(same)).toBe(1)
  const opposite = [1, 2].map(() => ({ sum: 0, size: 2, squares: 2 }))
  expect(intraClusterCorrelation(opposite)).toBe(0)
  expect(intraClusterCorrelation([1, 2].map(() => ({ sum: 0, size: 2, squares: 0 })))).toBe(0)
  expect(intraClusterCorrelation([1, 0].map((sum) => ({ sum, size: 1, squares: sum })))).toBe(0)
  expect(intraClusterCorrelation(clusters.slice(0, 1))).toBe(0)
})
