import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfidenceSequence } from '../../src/statistics/index.ts'
import { random } from '../helpers/random.ts'

/** The data that the authors' package was given. */
const observations = Array.from({ length: 200 }, (_, at) => {
  if (at % 37 === 10) return -0.6
  if (at % 50 === 49) return 0.9
  return ((((at + 1) * 7919) % 101) / 100) * 0.4 - 0.15
})

describe('ConfidenceSequence', () => {
  it.each([
    [0.05, 0.5, { 1: [-1, 1], 10: [-0.461, 0.487], 50: [-0.108, 0.162], 200: [-0.001, 0.09] }],
    [0.05, 0.9, { 1: [-1, 1], 10: [-0.319, 0.353], 50: [-0.062, 0.112], 200: [0.003, 0.087] }],
    [0.01, 0.5, { 1: [-1, 1], 10: [-0.575, 0.596], 50: [-0.159, 0.212], 200: [-0.015, 0.104] }],
    [0.01, 0.9, { 1: [-1, 1], 10: [-0.427, 0.455], 50: [-0.094, 0.144], 200: [-0.006, 0.098] }],
  ])("is the authors' own (confseq, betting_cs), alpha %f, stake %f", (alpha, stake, expected) => {
    const sequence = new ConfidenceSequence({ alpha, stake, lowest: -1, highest: 1 })
    const seen: Record<number, number[]> = {}
    for (const [at, observation] of observations.entries()) {
      sequence.add(observation)
      const { low, high } = sequence.interval()
      if (Object.hasOwn(expected, at + 1)) seen[at + 1] = [low, high].map((end) => Number(end.toFixed(6)))
    }
    expect(seen).toEqual(expected)
  })

  it('only shrinks, stays in its range, and never ends empty', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true })), (values) => {
        const sequence = new ConfidenceSequence({ alpha: 0.05, lowest: -1, highest: 1 })
        let before = sequence.interval()
        expect(before).toEqual({ low: -1, high: 1 })
        for (const value of values) {
          sequence.add(value)
          const after = sequence.interval()
          expect(after.low).toBeGreaterThanOrEqual(before.low)
          expect(after.high).toBeLessThanOrEqual(before.high)
          expect(after.high).toBeGreaterThan(after.low)
          before = after
        }
      }),
    )
  })

  it('is the same in another range', () => {
    const draw = random(3)
    const [unit, wide] = [[0, 1] as const, [-200, 300] as const].map(
      ([lowest, highest]) => new ConfidenceSequence({ alpha: 0.05, lowest, highest }),
    ) as [ConfidenceSequence, ConfidenceSequence]
    for (let at = 0; at < 200; at++) {
      const x = draw()
      unit.add(x)
      wide.add(-200 + 500 * x)
    }
    expect(wide.interval().low).toBeCloseTo(-200 + 500 * unit.interval().low, 6)
    expect(wide.interval().high).toBeCloseTo(-200 + 500 * unit.interval().high, 6)
    expect(unit.interval().low).toBeGreaterThan(0.3)
    expect(unit.interval().high).toBeLessThan(0.7)
  })

  it.each([1.01, -1.01, NaN])('refuses %f, which is out of its range', (observation) => {
    const sequence = new ConfidenceSequence({ alpha: 0.05, lowest: -1, highest: 1 })
    expect(() => {
      sequence.add(observation)
    }).toThrow(`Expected a number from -1 to 1, got ${String(observation)}`)
  })
})
