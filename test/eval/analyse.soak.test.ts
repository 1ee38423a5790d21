import { describe, expect, it } from 'vitest'
import { analyse } from '../../src/eval/analyse.ts'
import type { EvalReport } from '../../src/eval/report.ts'
import { plant, type Planted } from '../helpers/planted-trials.ts'

/*
 * The promises of eval over 100 seeds, with 3,000 records and all arms. All arms share one alpha,
 * so an alarm of any arm counts.
 */
const SEEDS = 100

const reports = (options: Partial<Planted>): EvalReport[] =>
  Array.from({ length: SEEDS }, (_, seed) =>
    analyse(plant({ records: 3_000, seed, noise: 0.03, ...options })),
  )

const losses = (report: EvalReport) =>
  report.arms.flatMap(({ loss, size }) => (loss ? [{ ...loss, size }] : []))

describe.each([true, false])('gold: %s', (hasGold) => {
  it('a planted loss of 3 points is found in 90 of 100 samples, in packs of 10 and of 25', () => {
    const all = reports({ hasGold, loss: () => 0.03 })
    for (const size of [10, 25]) {
      const found = all.filter((report) => losses(report).some((loss) => loss.size === size && loss.low > 0))
      expect(found.length).toBeGreaterThanOrEqual(90)
    }
  })

  it('without a loss, at most 5 of 100 samples give any false alarm', () => {
    const all = reports({ hasGold })
    const count = (isAlarm: (report: EvalReport) => boolean): number => all.filter(isAlarm).length
    expect(
      count((report) => losses(report).some(({ low, high }) => low > 0 || high < 0)),
    ).toBeLessThanOrEqual(5)
    expect(
      count(({ arms }) => arms.some(({ shares }) => shares.some((one) => one.isAlarm))),
    ).toBeLessThanOrEqual(5)
    expect(count(({ influence }) => influence?.isShown === true)).toBeLessThanOrEqual(5)
    expect(count(({ runs }) => runs?.isShown === true)).toBeLessThanOrEqual(5)
  })
})

it('a loss at the margin is called within in at most 5 of 100 samples', () => {
  const all = reports({ loss: () => 0.02 })
  const isWrong = (report: EvalReport): boolean => losses(report).some(({ verdict }) => verdict === 'within')
  expect(all.filter(isWrong).length).toBeLessThanOrEqual(5)
})

it('a planted curve by position lies in its bands in 95 of 100 samples', () => {
  const isIn = (report: EvalReport): boolean =>
    report.arms
      .filter(({ kind, size }) => kind === 'packed' && size === 50)
      .every(({ byPosition }) =>
        byPosition.every(({ from, low, high }) => {
          const truth = 0.85 - 0.004 * (50 * from + 2)
          return low <= truth && truth <= high
        }),
      )
  const all = reports({ noise: 0, loss: ({ position }) => 0.004 * (position - 1) })
  expect(all.filter(isIn).length).toBeGreaterThanOrEqual(95)
})
