import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/record/entry.ts'
import { RetryQueue } from '../../src/packing/retry-queue.ts'
import { entryOf } from '../helpers/entry.ts'

const taken = (queue: RetryQueue<string>, maxTokens = 100, maxRecords = 25): number[] | undefined =>
  queue.take(maxTokens, maxRecords)?.map(({ index }) => index)

function queueOf(...entries: readonly Entry<string>[]): RetryQueue<string> {
  const queue = new RetryQueue<string>()
  queue.add(entries)
  return queue
}

describe('records to send again', () => {
  it('an empty queue has no pack', () => {
    expect(taken(queueOf())).toBeUndefined()
  })

  it('the oldest records go first, in any order of arrival', () => {
    const queue = queueOf(entryOf(7), entryOf(3))
    queue.add([entryOf(5), entryOf(1)])
    expect(taken(queue)).toEqual([1, 3, 5, 7])
    expect(taken(queue)).toBeUndefined()
  })

  it('a pack keeps to its count', () => {
    const queue = queueOf(entryOf(0), entryOf(1), entryOf(2))
    expect(taken(queue, 100, 2)).toEqual([0, 1])
    expect(taken(queue, 100, 2)).toEqual([2])
  })

  it('a pack keeps to its token budget', () => {
    const queue = queueOf(entryOf(0, { tokens: 5 }), entryOf(1, { tokens: 5 }), entryOf(2, { tokens: 1 }))
    expect(taken(queue, 10)).toEqual([0, 1])
    expect(taken(queue, 10)).toEqual([2])
  })

  it('a record that is larger than the budget is alone', () => {
    const queue = queueOf(entryOf(0, { tokens: 50 }), entryOf(1))
    expect(taken(queue, 10)).toEqual([0])
    expect(taken(queue, 10)).toEqual([1])
  })

  it('a record that must be alone is alone, at any place', () => {
    const queue = queueOf(entryOf(0), entryOf(1, { maxCompany: 1 }), entryOf(2))
    expect(taken(queue)).toEqual([0])
    expect(taken(queue)).toEqual([1])
    expect(taken(queue)).toEqual([2])
  })

  it('a pack is as small as the smallest limit of its records', () => {
    const queue = queueOf(entryOf(0), entryOf(1, { maxCompany: 3 }), entryOf(2), entryOf(3))
    expect(taken(queue)).toEqual([0, 1, 2])
    expect(taken(queue)).toEqual([3])
  })
})

describe('which records share a pack', () => {
  it('records of one group stay together, and let other records pass', () => {
    const queue = queueOf(
      entryOf(0),
      entryOf(1, { group: 4 }),
      entryOf(2),
      entryOf(3, { group: 5 }),
      entryOf(4, { group: 4 }),
      entryOf(5),
    )
    expect(taken(queue)).toEqual([0, 2, 5])
    expect(taken(queue)).toEqual([1, 4])
    expect(taken(queue)).toEqual([3])
    expect(taken(queue)).toBeUndefined()
  })

  it('records of one partition stay together', () => {
    const queue = queueOf(
      entryOf(0, { partition: 'a' }),
      entryOf(1, { partition: '' }),
      entryOf(2, { partition: 'a' }),
      entryOf(3, { partition: '' }),
      entryOf(4),
    )
    expect(taken(queue)).toEqual([0, 2])
    expect(taken(queue)).toEqual([1, 3])
    expect(taken(queue)).toEqual([4])
  })

  it('records of the same group in different partitions stay apart', () => {
    const queue = queueOf(
      entryOf(0, { partition: 'a', group: 1 }),
      entryOf(1, { partition: 'b', group: 1 }),
      entryOf(2, { partition: 'a', group: 1 }),
    )
    expect(taken(queue)).toEqual([0, 2])
    expect(taken(queue)).toEqual([1])
  })

  it('whatever waits, each leaves once, first the oldest, in a pack that all of it agree to', () => {
    const options = fc.record({
      tokens: fc.nat(30),
      maxCompany: fc.integer({ min: 1, max: 6 }),
      group: fc.constantFrom(undefined, undefined, 1, 2),
      partition: fc.constantFrom(undefined, 'a', 'b'),
    })
    fc.assert(
      fc.property(
        fc.array(options, { maxLength: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 6 }),
        (all, maxTokens, maxRecords) => {
          const entries = all.map((changes, index) => entryOf(index, changes))
          const queue = queueOf(...entries)
          const waiting = new Set(entries)
          for (let pack = queue.take(maxTokens, maxRecords); pack; pack = queue.take(maxTokens, maxRecords)) {
            const [first] = pack
            expect(first).toBe([...waiting][0])
            expect(pack.length).toBeLessThanOrEqual(
              Math.min(maxRecords, ...pack.map(({ maxCompany }) => maxCompany)),
            )
            const tokens = pack.reduce((sum, one) => sum + one.tokens, 0)
            if (pack.length > 1) expect(tokens).toBeLessThanOrEqual(maxTokens)
            // The next records of its kind, without a gap.
            const kind = [...waiting].filter(
              ({ group, partition }) => group === first?.group && partition === first?.partition,
            )
            expect(pack).toEqual(kind.slice(0, pack.length))
            for (const entry of pack) expect(waiting.delete(entry)).toBe(true)
          }
          expect(waiting.size).toBe(0)
        },
      ),
    )
  })
})
