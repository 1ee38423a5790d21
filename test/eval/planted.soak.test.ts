import { describe, expect, it } from 'vitest'
import { expectedScore, plantedEval } from '../helpers/planted-eval.ts'

/* Through the whole eval. `planted.test.ts` shows the same with few seeds. */
const SEEDS = Array.from({ length: 100 }, (_, at) => at + 1)

describe('3,000 records, 85% right alone, 2% of the answers change when asked again', () => {
  const model = { accuracy: 0.85, noise: 0.02 }

  it('find a loss of 3 points in 90 of 100 seeds, and no loss where none is in 95', async () => {
    const plan = { ...model, perSize: { 10: 0, 25: 3 } }
    let [found, falseAlarms] = [0, 0]
    for (const seed of SEEDS) {
      const { arms } = await plantedEval(plan, { records: 3_000, sizes: [1, 10, 25], seed })
      const shown = arms.filter(({ loss }) => loss && loss.low > 0).map(({ size }) => size)
      if (shown.includes(25)) found++
      if (shown.includes(10)) falseAlarms++
    }
    process.stderr.write(
      `\nA loss of 3 points: found in ${found} of 100 seeds, ${falseAlarms} false alarms.\n`,
    )
    expect(found).toBeGreaterThanOrEqual(90)
    expect(falseAlarms).toBeLessThanOrEqual(5)
  })

  it('show a planted curve of the position in its bands, in 95 of 100 seeds', async () => {
    const plan = { ...model, perPosition: 0.4 }
    let [within, fallen] = [0, 0]
    for (const seed of SEEDS) {
      const { arms } = await plantedEval(plan, { records: 3_000, sizes: [1, 50], seed })
      const { byBefore } = arms.find(({ kind }) => kind === 'packed')!
      expect(byBefore.map(({ to }) => to)).toEqual([0, 1, 3, 7, 15, 31, 49])
      const holds = ({ from, to, low, high }: (typeof byBefore)[number]) => {
        const planted = expectedScore(plan, from, to)
        return low <= planted && planted <= high
      }
      if (byBefore.every(holds)) within++
      // The curve is seen: it is not in bands that are wide enough for anything.
      if (byBefore.at(-1)!.high < model.accuracy) fallen++
    }
    process.stderr.write(
      `\nThe planted curve: in its bands in ${within} of 100 seeds, fallen in ${fallen}.\n`,
    )
    expect(within).toBeGreaterThanOrEqual(95)
    expect(fallen).toBeGreaterThanOrEqual(95)
  })
})
