import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Reservoir } from '../../../src/cli/measure/reservoir.ts'
import { Series } from '../../../src/cli/measure/series.ts'

it('a series of any length keeps at most 200 points, the first, the last, and some from each part', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 50 }),
      fc.integer({ min: 1, max: 3_000 }),
      (gaps, count) => {
        const series = new Series<{ t: number }>()
        const times: number[] = []
        for (let i = 0, t = 0; i < count; i++) {
          series.add({ t })
          times.push(t)
          t += gaps[i % gaps.length] ?? 1
        }
        const kept = series.points.map(({ t }) => t)
        expect(kept.length).toBeLessThanOrEqual(200)
        expect([kept[0], kept.at(-1)]).toEqual([times[0], times.at(-1)])
        expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b))
        const farthest = Math.max(...times.map((t) => t - (kept.findLast((one) => one <= t) ?? NaN)))
        expect(farthest).toBeLessThanOrEqual(Math.max(20, (times.at(-1) ?? 0) / 40))
      },
    ),
    { numRuns: 50 },
  )
})

it('a series without a point is empty', () => {
  expect(new Series().points).toEqual([])
})

it('a reservoir keeps values from the whole input, in order, and the same values each time', () => {
  const draw = () => {
    const sample = new Reservoir<number>(100)
    for (let i = 0; i < 10_000; i++) sample.offer(() => i)
    return sample.values
  }
  const values = draw()
  expect(values).toHaveLength(100)
  expect(values).toEqual(values.toSorted((a, b) => a - b))
  expect(values).toEqual(draw())
  const quarters = [0, 1, 2, 3].map(
    (quarter) => values.filter((i) => Math.floor(i / 2_500) === quarter).length,
  )
  for (const count of quarters) expect(count).toBeGreaterThan(15)
})

it('a reservoir makes only the values that it takes', () => {
  const sample = new Reservoir<number>(10)
  let made = 0
  for (let i = 0; i < 10_000; i++) sample.offer(() => made++)
  expect(sample.seen).toBe(10_000)
  expect(made).toBeLessThan(150)
})
