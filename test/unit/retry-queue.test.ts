import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RetryQueue } from '../../src/retry-queue.ts'
import type { Entry } from '../../src/entry.ts'

function entry(index: number, { tokens = 1, maxCompany = 25 } = {}): Entry<string> {
  return {
    ...{ index, record: `r${index}`, text: `r${index}`, tokens, maxCompany },
    ...{ attempts: 1, attemptsLeft: 3, invalid: undefined },
  }
}

const taken = (queue: RetryQueue<string>, maxTokens = 100, maxRecords = 25): number[] | undefined =>
  queue.take(maxTokens, maxRecords)?.map(({ index }) => index)

function queueOf(...entries: readonly Entry<string>[]): RetryQueue<string> {
  const queue = new RetryQueue<string>()
  queue.add(entries)
  return queue
}

describe('records to be asked again', () => {
  it('an empty queue has no pack', () => {
    expect(taken(queueOf())).toBeUndefined()
  })

  it('the oldest go first, whenever they came', () => {
    const queue = queueOf(entry(7), entry(3))
    queue.add([entry(5), entry(1)])
    expect(taken(queue)).toEqual([1, 3, 5, 7])
    expect(taken(queue)).toBeUndefined()
  })

  it('a pack keeps to its count', () => {
    const queue = queueOf(entry(0), entry(1), entry(2))
    expect(taken(queue, 100, 2)).toEqual([0, 1])
    expect(taken(queue, 100, 2)).toEqual([2])
  })

  it('a pack keeps to its token budget', () => {
    const queue = queueOf(entry(0, { tokens: 5 }), entry(1, { tokens: 5 }), entry(2, { tokens: 1 }))
    expect(taken(queue, 10)).toEqual([0, 1])
    expect(taken(queue, 10)).toEqual([2])
  })

  it('a record larger than the budget travels alone', () => {
    const queue = queueOf(entry(0, { tokens: 50 }), entry(1))
    expect(taken(queue, 10)).toEqual([0])
    expect(taken(queue, 10)).toEqual([1])
  })

  it('a record that has to travel alone does, wherever it stands', () => {
    const queue = queueOf(entry(0), entry(1, { maxCompany: 1 }), entry(2))
    expect(taken(queue)).toEqual([0])
    expect(taken(queue)).toEqual([1])
    expect(taken(queue)).toEqual([2])
  })

  it('a pack is as small as the most careful of its records asks', () => {
    const queue = queueOf(entry(0), entry(1, { maxCompany: 3 }), entry(2), entry(3))
    expect(taken(queue)).toEqual([0, 1, 2])
    expect(taken(queue)).toEqual([3])
  })

  it('for any entries, each leaves once, in order, in a pack that all of it agree to', () => {
    const entries = fc.array(fc.record({ tokens: fc.nat(30), maxCompany: fc.integer({ min: 1, max: 6 }) }))
    fc.assert(
      fc.property(
        entries,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 6 }),
        (all, maxTokens, maxRecords) => {
          const queue = queueOf(...all.map((options, index) => entry(index, options)))
          const order: number[] = []
          for (let pack = queue.take(maxTokens, maxRecords); pack; pack = queue.take(maxTokens, maxRecords)) {
            expect(pack.length).toBeLessThanOrEqual(
              Math.min(maxRecords, ...pack.map((one) => one.maxCompany)),
            )
            const tokens = pack.reduce((sum, one) => sum + one.tokens, 0)
            if (pack.length > 1) expect(tokens).toBeLessThanOrEqual(maxTokens)
            order.push(...pack.map(({ index }) => index))
          }
          expect(order).toEqual(all.map((_, index) => index))
        },
      ),
    )
  })
})
