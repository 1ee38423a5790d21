import { describe, expect, it } from 'vitest'
import { compare, Stage, type Comparison } from '../../src/audit/stage.ts'
import { random as randomOf } from '../helpers/random.ts'

const comparison = (disagreement: number, noise = 0): Comparison => ({ disagreement, noise })

describe('a comparison', () => {
  const excess = (packed: string, one: string, other: string): number => {
    const { disagreement, noise } = compare(packed, [one, other], (a, b) => a === b)
    return disagreement - noise
  }

  it.each([
    ['x', 'x', 'x', 0],
    ['y', 'x', 'x', 1],
    ['x', 'y', 'x', -0.5],
    ['x', 'x', 'y', -0.5],
    ['x', 'y', 'z', 0],
  ])('of %s with %s and %s alone is %f', (packed, one, other, expected) => {
    expect(excess(packed, one, other)).toBe(expected)
  })

  it('is 0 on average if the three answers are exchanged', () => {
    for (const [a, b, c] of [
      ['x', 'x', 'y'],
      ['x', 'y', 'z'],
    ] as const) {
      expect(excess(a, b, c) + excess(b, c, a) + excess(c, a, b)).toBe(0)
    }
  })

  it('compares by the rule that it is given', () => {
    const same = (a: { label: string }, b: { label: string }) => a.label === b.label
    const answers = [0.7, 0.8, 0.9].map((confidence) => ({ label: 'x', confidence }))
    const [packed, one, other] = answers as [(typeof answers)[0], (typeof answers)[0], (typeof answers)[0]]
    expect(compare(packed, [one, other], same)).toEqual(comparison(0))
  })
})

describe('a stage', () => {
  it('has no shares before the first pack', () => {
    const { records, disagreement, noise, interval } = new Stage(25, 0.02, 1).snapshot
    expect({ records, disagreement, noise, interval }).toEqual({
      ...{ records: 0, disagreement: undefined, noise: undefined, interval: { low: -0.5, high: 1 } },
    })
  })

  it('counts a pack as one observation, however many of its records are audited', () => {
    const stage = new Stage(25, 0.02, 1)
    stage.add(25, [comparison(1), comparison(1), comparison(1), comparison(1)])
    stage.add(25, [comparison(0.5, 1)])
    expect(stage.snapshot).toMatchObject({ packRecords: 25, records: 5, disagreement: 0.75, noise: 0.5 })

    const together = new Stage(25, 0.02, 1)
    const apart = new Stage(25, 0.02, 1)
    for (let i = 0; i < 20; i++) {
      together.add(25, new Array<Comparison>(10).fill(comparison(0.5)))
      for (let record = 0; record < 10; record++) apart.add(25, [comparison(0.5)])
    }
    const [wide, narrow] = [together.snapshot.interval, apart.snapshot.interval]
    expect(wide.high - wide.low).toBeGreaterThan(2 * (narrow.high - narrow.low))
  })

  it('asks later stages for more evidence', () => {
    const lowOf = (number: number): number => {
      const stage = new Stage(25, 0.02, number)
      for (let i = 0; i < 40; i++) stage.add(25, [comparison(i % 4 === 0 ? 1 : 0)])
      return stage.snapshot.interval.low
    }
    expect(lowOf(2)).toBeLessThan(lowOf(1))
    expect(lowOf(9)).toBeLessThan(lowOf(2))
  })

  it('aims at a third of the margin, by the packs that there were', () => {
    const stage = new Stage(100, 0.02, 1)
    // Packs of 25, although the limit is 100, with an effect of 6 points.
    for (let i = 0; i < 1_000; i++) stage.add(25, [comparison(i % 50 < 3 ? 1 : 0)])
    expect(stage.isBeyond).toBe(true)
    expect(stage.smaller).toBe(3)
  })

  it.each([2, 3, 25])('makes packs of %i smaller, down to 1', (size) => {
    for (const effect of [0.03, 0.1, 1]) {
      const random = randomOf(1)
      const stage = new Stage(size, 0.02, 1)
      for (let i = 0; i < 20_000 && !stage.isBeyond; i++)
        stage.add(size, [comparison(random() < effect ? 1 : 0)])
      expect(stage.isBeyond).toBe(true)
      expect(stage.smaller).toBeGreaterThanOrEqual(1)
      expect(stage.smaller).toBeLessThanOrEqual(Math.ceil(size / 2))
    }
  })
})
