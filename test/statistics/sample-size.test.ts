import { describe, expect, it } from 'vitest'
import {
  alphaOfEach,
  alphaOfNth,
  boundedMeanInterval,
  clusterRobustError,
  designEffect,
  expectedClusters,
  moreRecords,
  shuffled,
  smallestLoss,
} from '../../src/statistics/index.ts'
import { drawPacks } from '../helpers/paired-packs.ts'
import { random } from '../helpers/random.ts'

const OPTIONS = { alpha: 0.04, lowest: -0.4, highest: 1 }
const SAMPLE = { records: 3_000, clusterSize: 25, discordance: 0.06, correlation: 0 }

describe('expectedClusters', () => {
  it.each([0, 0.1, 0.5])('have the standard error of the formula, correlation %f', (correlation) => {
    const clusters = expectedClusters({ ...SAMPLE, correlation })
    expect(clusters).toHaveLength(120)
    const expected = Math.sqrt((0.06 * designEffect(25, correlation)) / 3_000)
    expect(clusterRobustError(clusters) / expected).toBeCloseTo(Math.sqrt(120 / 119), 10)
  })
})

describe('smallestLoss', () => {
  it('is found in 80 of 100 samples, or a few more or less', () => {
    const sample = { records: 3_000, clusterSize: 10, discordance: 0.08, correlation: 0 }
    const loss = smallestLoss(expectedClusters(sample), OPTIONS)
    expect(loss).toBeGreaterThan(0.014)
    expect(loss).toBeLessThan(0.025)
    const draw = random(5)
    const model = { records: 3_000, packSize: 10, accuracy: 0.85, correlation: 0 }
    const flips = (0.08 - loss) / 2
    let found = 0
    for (let run = 0; run < 200; run++) {
      const packs = drawPacks({ ...model, lost: flips + loss, gained: flips }, draw)
      if (boundedMeanInterval(packs, OPTIONS).low > 0) found++
    }
    // Four standard deviations of 200 fair draws are 23. The formula may be off by 8 points.
    expect(found).toBeGreaterThan(160 - 16 - 23)
    expect(found).toBeLessThanOrEqual(199)
  })

  it('grows with correlation and with the size of clusters', () => {
    const of = (clusterSize: number, correlation: number): number =>
      smallestLoss(expectedClusters({ ...SAMPLE, clusterSize, correlation }), OPTIONS)
    expect(of(50, 0)).toBeGreaterThan(of(10, 0))
    expect(of(25, 0.2)).toBeGreaterThan(1.5 * of(25, 0))
  })
})

describe('moreRecords', () => {
  it('is enough, and little less is not', () => {
    const clusters = expectedClusters({ ...SAMPLE, records: 1_000 })
    const more = moreRecords(clusters, 0.02, OPTIONS)
    const high = (factor: number): number =>
      boundedMeanInterval(clusters, { ...OPTIONS, times: 1 + (factor * more) / 1_000 }).high
    expect(more).toBeGreaterThan(3_000)
    expect(high(1)).toBeLessThan(0.02)
    expect(high(0.99)).toBeGreaterThan(0.02)
  })

  it('is 0 for a sample that is large enough, and Infinity for a loss at the margin', () => {
    expect(moreRecords(expectedClusters({ ...SAMPLE, records: 20_000 }), 0.02, OPTIONS)).toBe(0)
    expect(moreRecords([{ sum: 1, size: 50 }], 0.02, OPTIONS)).toBe(Infinity)
  })
})

describe('corrections', () => {
  it('alphas of all arms and of all tests in a series add up to at most alpha', () => {
    expect(alphaOfEach(0.04, 4)).toBe(0.01)
    const series = Array.from({ length: 10_000 }, (_, at) => alphaOfNth(0.05, at + 1))
    expect(series[0]).toBe(0.025)
    const sum = series.reduce((total, one) => total + one)
    expect(sum).toBeLessThan(0.05)
    expect(sum).toBeGreaterThan(0.0499)
  })
})

describe('shuffled', () => {
  it('keeps the items and the input, and is the same for the same seed', () => {
    const items = Array.from({ length: 100 }, (_, at) => at)
    const order = shuffled(items, random(1))
    expect(order).not.toEqual(items)
    expect([...order].sort((a, b) => a - b)).toEqual(items)
    expect(shuffled(items, random(1))).toEqual(order)
    expect(shuffled(items, random(2))).not.toEqual(order)
  })

  it('puts each item at each place equally often', () => {
    const draw = random(9)
    const counts = Array.from({ length: 9 }, () => 0)
    for (let run = 0; run < 9_000; run++) {
      for (const [place, item] of shuffled([0, 1, 2], draw).entries()) counts[3 * place + item]!++
    }
    // 5 standard deviations of 3,000.
    for (const count of counts) expect(Math.abs(count - 3_000)).toBeLessThan(224)
  })
})
