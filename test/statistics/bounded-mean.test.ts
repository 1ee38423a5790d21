import stdlib from '@stdlib/dist-stats-base-dists-flat'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boundedMeanInterval, clusterRobustInterval } from '../../src/statistics/index.ts'

const { beta } = stdlib.base.dists
const UNIT = { alpha: 0.05, lowest: 0, highest: 1 }
const FULL = { alpha: 0.05, lowest: -1, highest: 1 }

const ones = (count: number, successes: number) =>
  Array.from({ length: count }, (_, at) => ({ sum: at < successes ? 1 : 0, size: 1 }))

describe('boundedMeanInterval', () => {
  it.each([
    [10, 0],
    [60, 0],
    [120, 0],
    [120, 1],
    [20, 10],
    [3_000, 30],
  ])(
    "of %i values, %i of them 1 and others 0, is Clopper and Pearson's to 1%% of its ends",
    (count, ofOne) => {
      const { low, high } = boundedMeanInterval(ones(count, ofOne), UNIT)
      const exact = beta.quantile(0.975, ofOne + 1, count - ofOne)
      expect(high / exact).toBeGreaterThan(0.9999)
      expect(high / exact).toBeLessThan(1.01)
      if (ofOne > 0)
        expect(Math.abs(low / beta.quantile(0.025, ofOne, count - ofOne + 1) - 1)).toBeLessThan(0.03)
      else expect(low).toBe(0)
    },
  )

  it('excludes a loss of 2 points with clusters all alike only after log(2 / alpha) / 0.02 of them', () => {
    const high = (count: number): number =>
      boundedMeanInterval(
        Array.from({ length: count }, () => ({ sum: 0, size: 25 })),
        FULL,
      ).high
    const limit = Math.log(2 / 0.05) / 0.02
    expect(high(Math.floor(limit))).toBeGreaterThan(0.0198)
    expect(high(Math.ceil(1.02 * limit))).toBeLessThan(0.02)
  })

  it('is the cluster-robust interval for many clusters, of any sizes', () => {
    const clusters = Array.from({ length: 20_000 }, (_, at) => ({ sum: (at % 7) - 3, size: 5 + (at % 3) }))
    const bounded = boundedMeanInterval(clusters, FULL)
    const robust = clusterRobustInterval(clusters, FULL.alpha)
    const half = (robust.high - robust.low) / 2
    expect(Math.abs(bounded.high - robust.high)).toBeLessThan(0.05 * half)
    expect(Math.abs(bounded.low - robust.low)).toBeLessThan(0.05 * half)
  })

  const cluster = fc
    .integer({ min: 1, max: 50 })
    .chain((size) => fc.integer({ min: -size, max: size }).map((sum) => ({ sum, size })))

  it('holds the mean, stays in its range, turns with the sign, and narrows with alpha and times', () => {
    fc.assert(
      fc.property(fc.array(cluster, { minLength: 1, maxLength: 60 }), (clusters) => {
        const mean =
          clusters.reduce((sum, one) => sum + one.sum, 0) / clusters.reduce((sum, { size }) => sum + size, 0)
        const { low, high } = boundedMeanInterval(clusters, FULL)
        expect(low).toBeGreaterThanOrEqual(-1)
        expect(low).toBeLessThanOrEqual(mean + 1e-8)
        expect(high).toBeGreaterThanOrEqual(mean - 1e-8)
        expect(high).toBeLessThanOrEqual(1)
        const turned = boundedMeanInterval(
          clusters.map(({ sum, size }) => ({ sum: -sum, size })),
          FULL,
        )
        expect(turned.low).toBeCloseTo(-high, 8)
        const looser = boundedMeanInterval(clusters, { ...FULL, alpha: 0.2 })
        expect(looser.high).toBeLessThanOrEqual(high + 1e-8)
        const more = boundedMeanInterval(clusters, { ...FULL, times: 4 })
        expect(more.high).toBeLessThanOrEqual(high + 1e-8)
        const asOften = boundedMeanInterval([...clusters, ...clusters, ...clusters, ...clusters], FULL)
        expect(more.high).toBeCloseTo(asOften.high, 7)
      }),
    )
  })

  it('does not believe clusters that it has not seen: one bad cluster in 120 moves its end by little', () => {
    const quiet = Array.from({ length: 120 }, () => ({ sum: 0, size: 25 }))
    const withBad = [...quiet.slice(1), { sum: 19, size: 25 }]
    const before = boundedMeanInterval(quiet, FULL).high
    expect(before).toBeGreaterThan(0.03)
    expect(boundedMeanInterval(withBad, FULL).high).toBeLessThan(1.5 * before)
    // The usual interval has no width at all.
    expect(clusterRobustInterval(quiet, 0.05).high).toBe(0)
  })
})
