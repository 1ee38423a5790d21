import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Outbox } from '../../src/outbox.ts'

function takeAll(outbox: Outbox<{ index: number }>): number[] {
  const indices: number[] = []
  for (let next = outbox.take(); next; next = outbox.take()) indices.push(next.index)
  return indices
}

describe('as they come', () => {
  it('outcomes leave in the order in which they were put, whatever their index', () => {
    const outbox = new Outbox<{ index: number }>(false)
    for (const index of [3, 0, 2]) outbox.put({ index })
    expect(takeAll(outbox)).toEqual([3, 0, 2])
    outbox.put({ index: 1 })
    expect(takeAll(outbox)).toEqual([1])
    expect(outbox.left).toBe(4)
  })
})

describe('in order', () => {
  it('an outcome waits until all before it have left', () => {
    const outbox = new Outbox<{ index: number }>(true)
    outbox.put({ index: 1 })
    outbox.put({ index: 2 })
    expect(takeAll(outbox)).toEqual([])
    expect(outbox.left).toBe(0)
    outbox.put({ index: 0 })
    expect(takeAll(outbox)).toEqual([0, 1, 2])
    expect(outbox.left).toBe(3)
  })

  it('every outcome leaves once, in order, and as early as it can, for any order of arrival', () => {
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
