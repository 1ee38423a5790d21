import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OutputBudget } from '../../src/learning/output-budget.ts'

type Answer = Parameters<OutputBudget['observe']>[0]

const done = (output: number, elements: number, reasoning = 0): Answer => {
  return { output, reasoning, elements, isCut: false, isFinal: false }
}
/** An answer that was cut at a learned cap, or at an unknown place. */
const cut = (output: number, elements: number, reasoning = 0): Answer => {
  return { ...done(output, elements, reasoning), isCut: true }
}
/** An answer that was cut at the largest cap. */
const cutForGood = (output: number, elements: number, reasoning = 0): Answer => {
  return { ...cut(output, elements, reasoning), isFinal: true }
}

function learned(maxCap: number | undefined, ...answers: readonly Answer[]): OutputBudget {
  const budget = new OutputBudget(maxCap)
  for (const answer of answers) budget.observe(answer)
  return budget
}

const times = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one)

/** Tokens around the elements of each answer. */
const FRAME = 32

describe('the number of records that fit under the output cap', () => {
  it.each<[name: string, maxCap: number | undefined, answers: Answer[], expected: number]>([
    ['all, before anything is known', 1, [], Infinity],
    ['all, without a cap', undefined, [done(250, 25)], Infinity],
    ['as many as fill seven tenths of it', 1_000, [done(250, 25)], 70],
    ['at least one', 100, [done(10_000, 1)], 1],
    ['less what thinking takes', 1_000, [done(450, 25, 200)], 50],
    ['at least one where thinking takes all', 100, [done(450, 25, 200)], 1],
    ['by the least that one takes, where it was cut before one closed', 1_000, [cut(100, 0)], 7],
    ['answers of no tokens say nothing', 100, [done(0, 0), done(0, 25)], Infinity],
    ['nor do those that are not counted', 1_000, [done(NaN, 10), done(250, 25)], 70],
    ['nor does one that thought and wrote nothing', 1_000, [cut(100, 0, 100)], Infinity],
    ["nor do a refusal's words", 1_000, [done(250, 25), ...times(20, done(5, 0))], 70],
    ['nor does a cut of less than one element', 1_000, [done(250, 25), ...times(20, cut(3, 0))], 70],
  ])('%s', (_name, maxCap, answers, expected) => {
    expect(learned(maxCap, ...answers).maxRecords).toBe(expected)
  })

  it('follows results that grow within a few answers', () => {
    const { maxRecords } = learned(1_000, done(100, 10), ...times(10, done(1_000, 10)))
    expect(maxRecords).toBeGreaterThanOrEqual(7)
    expect(maxRecords).toBeLessThanOrEqual(8)
  })

  it('a single unusual answer does not decide alone', () => {
    expect(learned(10_000, ...times(10, done(100, 10)), done(1_000, 1)).maxRecords).toBeGreaterThan(20)
  })
})

describe("the model's own cap", () => {
  it('is known from two cuts at the same place without another cap', () => {
    const budget = learned(undefined, cutForGood(1_000, 100), done(250, 25), cutForGood(1_000, 100))
    expect(budget.maxRecords).toBe(70)
    expect(budget.maxCap).toBeUndefined()
  })

  it('is not known from cuts at different places, as at the end of a small context', () => {
    const cuts = [20, 1_000, 990].map((output) => cutForGood(output, output / 10))
    expect(learned(undefined, ...cuts).maxRecords).toBe(Infinity)
  })

  it('is dropped after a longer answer', () => {
    expect(learned(undefined, ...times(2, cutForGood(100, 10)), done(250, 25)).maxRecords).toBe(Infinity)
  })

  it('is not learned from an answer without usage', () => {
    expect(learned(undefined, done(250, 25), ...times(2, cutForGood(0, 0))).maxRecords).toBe(Infinity)
  })

  it('is not learned from an answer that ended early without a reason', () => {
    expect(learned(undefined, done(250, 25), cut(20, 2)).maxRecords).toBe(Infinity)
  })

  it('makes the stream send a pack that would reach it without a cap', () => {
    const budget = learned(undefined, ...times(2, cutForGood(1_000, 100)))
    expect(budget.capFor(10)).toBe(2 * (10 * 10 + 10) + FRAME)
    expect(budget.capFor(90)).toBeUndefined()
  })
})

describe('the cap of a pack', () => {
  it.each([undefined, 4_000])('is the largest cap, %s, at first', (maxCap) => {
    expect(new OutputBudget(maxCap).capFor(25)).toBe(maxCap)
    expect(new OutputBudget(maxCap).expected(25)).toBeUndefined()
  })

  it('is twice the expected tokens, with one more element and the frame', () => {
    const budget = learned(undefined, done(250, 25))
    expect(budget.expected(25)).toBe(250)
    expect(budget.capFor(25)).toBe(2 * (250 + 10) + FRAME)
    expect(budget.capFor(1)).toBe(2 * (10 + 10) + FRAME)
  })

  it('is never more than the largest cap', () => {
    const budget = learned(300, done(250, 25))
    expect(budget.capFor(25)).toBe(300)
    expect(budget.capFor(1)).toBe(2 * (10 + 10) + FRAME)
  })

  it('has room for reasoning once, and not for each record', () => {
    const budget = learned(undefined, done(1_250, 25, 1_000))
    expect(budget.expected(1)).toBe(10 + 1_000)
    expect(budget.capFor(1)).toBe(2 * (10 + 10 + 1_000) + FRAME)
    expect(budget.capFor(25)).toBe(2 * (250 + 10 + 1_000) + FRAME)
  })

  it('has twice the room after each cut, up to 16 times', () => {
    const budget = learned(undefined, done(250, 25))
    for (const room of [2, 4, 8, 16, 16]) {
      expect(budget.capFor(25)).toBe(room * (250 + 10) + FRAME)
      budget.observe(cut(250, 25))
    }
  })

  it('shows how much more room answers need than expected, for users who set their own cap', () => {
    const budget = new OutputBudget(undefined)
    for (const room of [1, 2, 4, 8, 8]) {
      expect(budget.room).toBe(room)
      budget.observe(cut(250, 25))
    }
    budget.observe(cutForGood(250, 25))
    expect(budget.room).toBe(8 * 0.98)
    for (const answer of times(200, done(250, 25))) budget.observe(answer)
    expect(budget.room).toBe(1)
  })

  it('has no more room after a final cut, because there is no more', () => {
    expect(learned(4_000, done(250, 25), cutForGood(250, 25)).capFor(25)).toBe(2 * (250 + 10) + FRAME)
  })

  it('loses additional room slowly when answers fit', () => {
    const budget = learned(undefined, done(250, 25), ...times(4, cut(250, 25)))
    budget.observe(done(250, 25))
    expect(budget.capFor(25)).toBeGreaterThan(15 * 260)
    for (const answer of times(200, done(250, 25))) budget.observe(answer)
    expect(budget.capFor(25)).toBe(2 * (250 + 10) + FRAME)
  })

  it('has room for the longest element, which is forgotten slowly', () => {
    const budget = learned(undefined, done(1_000, 1), ...times(10, done(250, 25)))
    const cap = budget.capFor(1) ?? 0
    expect(cap).toBeGreaterThan(2 * 800)
    for (const answer of times(300, done(250, 25))) budget.observe(answer)
    expect(budget.capFor(1)).toBeLessThan(100)
  })

  it('after any answers, caps are whole, positive and within the largest cap, and a pack has a record', () => {
    const answer = fc.record({
      ...{ output: fc.nat(10_000), reasoning: fc.nat(10_000), elements: fc.nat(50) },
      ...{ isCut: fc.boolean(), isFinal: fc.boolean() },
    })
    const maxCaps = fc.option(fc.integer({ min: 1, max: 20_000 }), { nil: undefined })
    fc.assert(
      fc.property(maxCaps, fc.array(answer), fc.integer({ min: 1, max: 100 }), (maxCap, answers, records) => {
        const real = answers.map((one) => ({
          ...one,
          reasoning: Math.min(one.reasoning, one.output),
          isFinal: one.isCut && one.isFinal,
        }))
        const budget = learned(maxCap, ...real)
        const cap = budget.capFor(records)
        if (cap !== undefined) {
          expect(Number.isSafeInteger(cap)).toBe(true)
          expect(cap).toBeGreaterThanOrEqual(1)
          expect(cap).toBeLessThanOrEqual(maxCap ?? Infinity)
        } else {
          expect(maxCap).toBeUndefined()
        }
        expect(cap ?? Infinity).toBeGreaterThanOrEqual(
          Math.min(budget.expected(records) ?? 0, maxCap ?? Infinity),
        )
        const { maxRecords } = budget
        expect(maxRecords === Infinity || Number.isSafeInteger(maxRecords)).toBe(true)
        expect(maxRecords).toBeGreaterThanOrEqual(1)
      }),
      { numRuns: 1_000 },
    )
  })
})
