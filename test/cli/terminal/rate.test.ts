import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Rate } from '../../../src/cli/terminal/rate.ts'

test('the rate counts the records of the last 30 s', () => {
  const rate = new Rate()
  expect(rate.add(0, 0)).toBe(0)
  expect(rate.add(2_000, 100)).toBe(50)
  expect(rate.add(20_000, 100)).toBe(5)
  // The 100 records are 30 s old.
  expect(rate.add(32_000, 100)).toBe(0)
  // A night without work does not make a job slow.
  for (let at = 33_000; at <= 3_600_000; at += 1_000) expect(rate.add(at, 100)).toBe(0)
  expect(rate.add(3_610_000, 400)).toBe(10)
})

test('the rate of a steady job is that of each record, at any interval of looks', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 50, max: 5_000 }),
      (perSecond, interval) => {
        const rate = new Rate()
        for (let at = 0; at <= 100_000; at += interval) {
          const seen = rate.add(at, (at * perSecond) / 1_000)
          if (at > 0) expect(seen).toBeCloseTo(perSecond, 6)
        }
      },
    ),
    { numRuns: 50 },
  )
})
