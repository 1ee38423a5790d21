import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Outbox } from '../../src/stream/outbox.ts'

function takeAll(outbox: Outbox<{ index: number }>): number[] {
  const indices: number[] = []
  for (let next = outbox.take(); next; next = outbox.take()) indices.push(next.index)
  return indices
}

describe('in order of arrival', () => {
  it('outcomes leave in the order in which they were put, with any index', () => {
    const outbox = new Outbox<{ index: number }>(false)
    for (const index of [3, 0, 2]) outbox.put({ index })
    expect(takeAll(outbox)).toEqual([3, 0, 2])
    outbox.put({ index: 1 })
    expect(takeAll(outbox)).toEqual([1])
    expect(outbox.left).toBe(4)
  })
})

describe('whether an outcome may leave', () => {
  it.each<[isOrdered: boolean, steps: [put: number, hasNext: boolean][]]>([
    [
      false,
      [
        [3, true],
        [0, true],
      ],
    ],
    [
      true,
      [
        [3, false],
        [1, false],
        [0, true],
      ],
    ],
  ])('in order: %s', (isOrdered, steps) => {
    const outbox = new Outbox<{ index: number }>(isOrdered)
    expect(outbox.hasNext).toBe(false)
    for (const [index, hasNext] of steps) {
      outbox.put({ index })
      expect(outbox.hasNext).toBe(hasNext)
    }
    takeAll(outbox)
    expect(outbox.hasNext).toBe(false)
  })
})

describe('when some outcomes will never come', () => {
  it.each<[isOrdered: boolean, put: number[], taken: number[], left: number[]]>([
    [true, [5, 2, 9], [], [2, 5, 9]],
    [true, [0, 1, 7, 3], [0, 1], [3, 7]],
    [true, [1, 0], [0, 1], []],
    [true, [], [], []],
    [false, [5, 2, 9], [5, 2, 9], []],
  ])('in order: %s, after %j: the waiting outcomes leave in their order', (isOrdered, put, early, late) => {
    const outbox = new Outbox<{ index: number }>(isOrdered)
    for (const index of put) outbox.put({ index })
    expect(takeAll(outbox)).toEqual(early)
    outbox.closeGaps()
    expect(outbox.hasNext).toBe(late.length > 0)
    // The call may be repeated, also after some outcomes have left.
    const first = outbox.take()
    outbox.closeGaps()
    expect([...(first ? [first.index] : []), ...takeAll(outbox)]).toEqual(late)
    expect(outbox.hasNext).toBe(false)
    expect(outbox.left).toBe(put.length)
  })

  it('outcomes without a gap before them leave as before', () => {
    const outbox = new Outbox<{ index: number }>(false)
    for (const index of [3, 0, 2]) outbox.put({ index })
    outbox.closeGaps()
    expect(takeAll(outbox)).toEqual([3, 0, 2])
  })
})

describe('in order', () => {
  it('an outcome waits until all earlier outcomes have left', () => {
    const outbox = new Outbox<{ index: number }>(true)
    outbox.put({ index: 1 })
    outbox.put({ index: 2 })
    expect(takeAll(outbox)).toEqual([])
    expect(outbox.left).toBe(0)
    outbox.put({ index: 0 })
    expect(takeAll(outbox)).toEqual([0, 1, 2])
    expect(outbox.left).toBe(3)
  })

  it('every outcome leaves once, in order, and as early as possible, for any order of arrival', () => {
    const arrivals = fc.integer({ min: 0, max: 40 }).chain((count) =>
      fc.shuffledSubarray(
        Array.from({ length: count }, (_, i) => i),
        { minLength: count },
      ),
    )
    fc.assert(
      fc.property(arrivals, (order) => {
        const outbox = new Outbox<{ index: number }>(true)
        const seen = new Set<number>()
        const out: number[] = []
        for (const index of order) {
          seen.add(index)
          outbox.put({ index })
          out.push(...takeAll(outbox))
          expect(seen.has(out.length)).toBe(false)
          expect(outbox.left).toBe(out.length)
        }
        expect(out).toEqual([...order].sort((a, b) => a - b))
      }),
    )
  })
})
