import { describe, expect, it } from 'vitest'
import { expectedScore, plantedEval } from '../helpers/planted-eval.ts'

/* A short version of `planted.soak.test.ts`. The seeds are fixed, so a run cannot fail by luck. */

describe.each([1])('1,500 records, seed %i', (seed) => {
  const model = { accuracy: 0.85, noise: 0.02 }

  it('find a planted loss, and no loss where none is', async () => {
    const plan = { ...model, perSize: { 10: 0, 25: 8 } }
    const { arms, influence } = await plantedEval(plan, { records: 1_500, sizes: [1, 10, 25], seed })
    const [ten, twentyFive] = [10, 25].map((size) => arms.find((arm) => arm.size === size)?.loss)
    expect(ten!.low).toBeLessThan(0)
    expect(ten!.high).toBeGreaterThan(0)
    expect(twentyFive!.low).toBeGreaterThan(0.02)
    expect(twentyFive!.high).toBeGreaterThan(0.08)
    expect(influence!.isShown).toBe(false)
  })

  it('show a planted curve of the position in its bands', async () => {
    const plan = { ...model, perPosition: 0.8 }
    const { arms } = await plantedEval(plan, { records: 1_500, sizes: [1, 50], seed })
    const { byBefore } = arms.find(({ kind }) => kind === 'packed')!
    for (const { from, to, low, high } of byBefore) {
      expect(low).toBeLessThanOrEqual(expectedScore(plan, from, to))
      expect(high).toBeGreaterThanOrEqual(expectedScore(plan, from, to))
    }
    expect(byBefore.at(-1)!.high).toBeLessThan(model.accuracy)
  })
})
