import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import type { Compared } from '../../src/eval/compare.ts'
import { lossOf } from '../../src/eval/losses.ts'
import { ALPHA, coverageOf, MARGIN, METHODS } from '../helpers/coverage.ts'
import { drawPacks, type PairedPack } from '../helpers/paired-packs.ts'

/*
 * The short version of `npm run bench coverage` and of the soak beside it. The seed is fixed, so a
 * run cannot fail by luck. The bounds of coverage also leave 4 standard deviations for another
 * seed.
 */
const SEED = 17
const RUNS = 200
const NO_LOSS = { records: 3_000, accuracy: 0.85, lost: 0.03, gained: 0.03 }
const BAD_PACKS = { share: 0.013, loss: 0.75 }
/** 95%, less 4 standard deviations of 200 samples. */
const LEAST = 0.95 - 4 * Math.sqrt((0.95 * 0.05) / RUNS)

describe('intervals that claim 95%', () => {
  it.each([
    [25, 0.3, undefined],
    [50, 0.5, undefined],
    [25, 0, BAD_PACKS],
    [50, 0.5, BAD_PACKS],
  ])('hold the true loss, packs of %i, correlation %f, bad packs %j', (packSize, correlation, badPacks) => {
    const model = { ...NO_LOSS, packSize, correlation, ...(badPacks && { badPacks }) }
    const { bounded, sequence, combined } = coverageOf(model, RUNS, SEED)
    expect(bounded.covers).toBeGreaterThan(LEAST)
    expect(sequence.covers).toBeGreaterThan(LEAST)
    expect(combined.covers).toBeGreaterThan(LEAST)
  })

  it('would not hold it if records were independent, or clusters all alike: the test can fail', () => {
    const model = { ...NO_LOSS, packSize: 50, correlation: 0, badPacks: BAD_PACKS }
    const { independent, clusterRobust } = coverageOf(model, RUNS, SEED)
    expect(independent.covers).toBeLessThan(0.75)
    expect(clusterRobust.covers).toBeLessThan(0.9)
  })
})

describe('3,000 records in packs of 25, by the rule of eval', () => {
  const planted = (loss: number, flips: number) =>
    coverageOf({ ...NO_LOSS, packSize: 25, correlation: 0, lost: flips + loss, gained: flips }, 100, SEED)

  it.each([0.03, 0.05])('find a loss of 3 points in 90 of 100 samples, %f changed each way', (flips) => {
    expect(planted(0.03, flips).combined.finds).toBeGreaterThanOrEqual(0.9)
  })

  it.each([0.03, 0.05])('give a false alarm in at most 5 of 100 samples, %f changed each way', (flips) => {
    const { bounded, sequence, combined } = planted(0, flips)
    expect(bounded.finds).toBeLessThanOrEqual(0.05)
    expect(sequence.finds).toBeLessThanOrEqual(0.05)
    expect(combined.finds).toBeLessThanOrEqual(0.05)
  })
})

describe('the simulated rule', () => {
  /** The records of packs, as the analysis of an eval has them. */
  const comparedOf = (packs: readonly PairedPack[]): Compared[] =>
    packs.flatMap(({ sum, size, squares, wrongAlone }, pack) => {
      const [worse, better] = [(squares + sum) / 2, (squares - sum) / 2]
      return Array.from({ length: size }, (_, at) => ({
        cluster: String(pack),
        reference: Number(at >= wrongAlone),
        score: Number(at < better || at >= wrongAlone + worse),
      })) as unknown as Compared[]
    })

  it.each([0.03, 0.12])("is eval's, after a loss of %f", (loss) => {
    const model = { ...NO_LOSS, packSize: 25, correlation: 0.1, lost: 0.03 + loss }
    const options = { margin: MARGIN, arms: 1, isAborted: false, isLabel: true }
    const random = seededRandom(SEED)
    const stopped = Array.from({ length: 4 }, () => {
      const packs = drawPacks(model, random)
      const isLost = (count: number) => {
        const { always } = lossOf(comparedOf(packs.slice(0, count)), { ...options, isShort: true })
        return always.low > MARGIN
      }
      // A loss stays established, so the look that established it can be searched by halves.
      let [before, count] = [0, packs.length]
      while (count - before > 1) {
        const middle = Math.floor((before + count) / 2)
        if (isLost(middle)) count = middle
        else before = middle
      }
      const isShort = count < packs.length
      const { low, high } = lossOf(comparedOf(packs.slice(0, count)), { ...options, isShort })
      expect(METHODS.combined(packs, ALPHA)).toEqual({ low, high })
      return isShort
    })
    expect(stopped).toContain(loss > 0.1)
  })
})
