import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Packer } from '../../src/packing/packer.ts'
import { PartitionedPacker } from '../../src/packing/partitioned-packer.ts'
import { runs } from '../helpers/properties.ts'

interface Item {
  readonly tokens: number
  readonly partition: string | undefined
  readonly name: number
}

const LIMITS = { maxTokens: 100, maxItems: 3 }

const item = (name: number, partition?: string, tokens = 1): Item => ({ name, partition, tokens })
const names = (pack: readonly Item[] | undefined): number[] | undefined => pack?.map(({ name }) => name)

function takeAll(from: PartitionedPacker<Item>, now: number): (readonly Item[])[] {
  const packs: (readonly Item[])[] = []
  for (let pack = from.take(now); pack; pack = from.take(now)) packs.push(pack)
  return packs
}

describe('items of different keys', () => {
  it('never share a pack, although they are written in turn', () => {
    const partitions = new PartitionedPacker<Item>(LIMITS, 100, 1_000)
    for (let i = 0; i < 8; i++) partitions.add(item(i, i % 2 ? 'odd' : 'even'), 0)
    partitions.flush(0)
    expect(takeAll(partitions, 0).map(names)).toEqual([
      [0, 2],
      [1, 3],
      [4, 6],
      [5, 7],
    ])
  })

  it('no key is a separate key, and so is the empty key', () => {
    const partitions = new PartitionedPacker<Item>(LIMITS, 100, 1_000)
    for (const [name, key] of [undefined, '', undefined, ''].entries()) partitions.add(item(name, key), 0)
    expect(takeAll(partitions, 100).map(names)).toEqual([
      [0, 2],
      [1, 3],
    ])
  })

  it('linger separately, from the first item of each key', () => {
    const partitions = new PartitionedPacker<Item>(LIMITS, 100, 1_000)
    expect(partitions.nextDue).toBe(Infinity)
    partitions.add(item(0, 'a'), 0)
    partitions.add(item(1, 'b'), 50)
    partitions.add(item(2, 'a'), 60)
    expect(partitions.nextDue).toBe(100)
    expect(takeAll(partitions, 100).map(names)).toEqual([[0, 2]])
    expect(partitions.nextDue).toBe(150)
    expect(takeAll(partitions, 150).map(names)).toEqual([[1]])
    expect(partitions.nextDue).toBe(Infinity)
  })

  it('a busy key takes turns with the other keys', () => {
    const partitions = new PartitionedPacker<Item>(LIMITS, 100, 1_000)
    for (let i = 0; i < 9; i++) partitions.add(item(i, 'busy'), 0)
    partitions.add(item(9, 'rare'), 0)
    partitions.flush(0)
    expect(takeAll(partitions, 0).map(names)).toEqual([[0, 1, 2], [9], [3, 4, 5], [6, 7, 8]])
  })
})

describe('a pack that was put back', () => {
  it('goes before all other packs', () => {
    const partitions = new PartitionedPacker<Item>(LIMITS, 100, 1_000)
    for (let i = 0; i < 6; i++) partitions.add(item(i), 0)
    const pack = partitions.take(0)
    if (!pack) throw new Error('no pack')
    partitions.putBack(pack)
    expect(partitions.hasReserve).toBe(false)
    expect(partitions.take(0)).toBe(pack)
  })

  it('the pack that was put back last goes first', () => {
    const partitions = new PartitionedPacker<Item>(LIMITS, 100, 1_000)
    partitions.putBack([item(1)])
    partitions.putBack([item(0)])
    expect(takeAll(partitions, 0).map(names)).toEqual([[0], [1]])
  })

  it('keeps to limits that were set later, in order', () => {
    const partitions = new PartitionedPacker<Item>(LIMITS, 100, 1_000)
    partitions.putBack([item(3)])
    partitions.putBack([item(0), item(1), item(2)])
    partitions.setLimits({ maxTokens: 100, maxItems: 2 }, 0)
    expect(partitions.limits.maxItems).toBe(2)
    expect(takeAll(partitions, 0).map(names)).toEqual([[0, 1], [2], [3]])
  })
})

describe('with thousands of keys', () => {
  const MAX_WAITING = 50

  it('no more items wait than allowed, because the oldest items leave in small packs', () => {
    const partitions = new PartitionedPacker<Item>(LIMITS, 1e9, MAX_WAITING)
    let waiting = 0
    let taken = 0
    for (let i = 0; i < 5_000; i++) {
      expect(partitions.hasReserve).toBe(waiting >= MAX_WAITING)
      if (partitions.hasReserve) {
        const pack = partitions.take(0)
        expect(names(pack)).toEqual([taken])
        taken += 1
        waiting -= 1
      }
      partitions.add(item(i, `key ${i}`), 0)
      waiting += 1
      expect(waiting).toBeLessThanOrEqual(MAX_WAITING)
    }
    expect(taken).toBe(5_000 - MAX_WAITING)
    // Only waiting items are stored, so a search stays short.
    partitions.flush(0)
    expect(takeAll(partitions, 0)).toHaveLength(MAX_WAITING)
    expect(partitions.nextDue).toBe(Infinity)
  })

  it('a pack that has waited long enough makes room, so that no other lane leaves early', () => {
    const partitions = new PartitionedPacker<Item>(LIMITS, 100, MAX_WAITING)
    for (let i = 0; i < MAX_WAITING; i++) partitions.add(item(i, `key ${i}`), 0)
    let waiting = MAX_WAITING
    for (let i = MAX_WAITING; i < 500; i++) {
      while (partitions.hasReserve) waiting -= partitions.take(200)?.length ?? 0
      expect(waiting).toBe(MAX_WAITING - 1)
      partitions.add(item(i, `key ${i}`), 200)
      waiting += 1
    }
  })

  it('no pack leaves early while there is room', () => {
    const partitions = new PartitionedPacker<Item>(LIMITS, 100, MAX_WAITING)
    for (let i = 0; i < MAX_WAITING - 1; i++) partitions.add(item(i, `key ${i}`), 0)
    expect(partitions.take(99)).toBeUndefined()
    partitions.add(item(MAX_WAITING, 'one more'), 0)
    expect(names(partitions.take(99))).toEqual([0])
    expect(partitions.take(99)).toBeUndefined()
  })

  it('a single key is never crowded: its packs are full', () => {
    const partitions = new PartitionedPacker<Item>({ maxTokens: 1e9, maxItems: 100 }, 1e9, MAX_WAITING)
    for (let i = 0; i < 2 * MAX_WAITING; i++) partitions.add(item(i), 0)
    expect(partitions.hasReserve).toBe(false)
    expect(partitions.take(0)).toBeUndefined()
  })
})

const limits = fc.record({
  maxTokens: fc.integer({ min: 1, max: 30 }),
  maxItems: fc.integer({ min: 1, max: 6 }),
})
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ add: fc.nat(12), key: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.constant('take' as const) },
  { weight: 1, arbitrary: fc.constant('putBack' as const) },
  { weight: 1, arbitrary: fc.constant('flush' as const) },
  { weight: 1, arbitrary: fc.record({ limits }) },
  { weight: 3, arbitrary: fc.record({ later: fc.nat(60) }) },
)
const steps = fc.array(step, { maxLength: 60 })

it('with one key it does the same as a Packer, with any calls', () => {
  fc.assert(
    fc.property(limits, steps, (first, all) => {
      const packer = new Packer<Item>(first, 50)
      const partitions = new PartitionedPacker<Item>(first, 50, 5)
      let now = 0
      // A pack that is due already may leave, so its time does not count.
      const later = (due: number): number => (due > now ? due : Infinity)
      for (const [name, one] of all.entries()) {
        if (one === 'take') {
          expect(partitions.take(now)).toEqual(packer.take(now))
        } else if (one === 'flush') {
          packer.flush()
          partitions.flush(0)
        } else if (one === 'putBack') {
          // A Packer takes no pack back.
        } else if ('add' in one) {
          packer.add(item(name, undefined, one.add), now)
          partitions.add(item(name, undefined, one.add), now)
        } else if ('limits' in one) {
          // A lane learns new limits when it is used next: the property below covers them.
        } else {
          now += one.later
        }
        expect(partitions.hasReserve).toBe(packer.hasReserve)
        expect(later(partitions.nextDue)).toBe(later(packer.nextDue))
      }
    }),
    { numRuns: runs(1_000) },
  )
})

it('an item leaves although the clock goes back', () => {
  const partitions = new PartitionedPacker<Item>({ maxTokens: 100, maxItems: 5 }, 0, 50)
  partitions.add(item(1, 'a', 1), 30)
  expect(partitions.take(5)).toBeUndefined()
  expect(partitions.nextDue).toBe(30)
  expect(partitions.take(30)).toHaveLength(1)
})

it('with any keys, each item leaves once, in the order of its key, in a pack of its key within the limits', () => {
  fc.assert(
    fc.property(limits, steps, fc.integer({ min: 1, max: 20 }), (first, all, maxWaiting) => {
      const partitions = new PartitionedPacker<Item>(first, 50, maxWaiting)
      const expected = new Map<string | undefined, number[]>()
      const got = new Map<string | undefined, number[]>()
      let last: readonly Item[] | undefined
      let now = 0
      const count = (pack: readonly Item[]): void => {
        expect(new Set(pack.map(({ partition }) => partition)).size).toBe(1)
        const tokens = pack.reduce((sum, one) => sum + one.tokens, 0)
        expect(pack.length).toBeLessThanOrEqual(partitions.limits.maxItems)
        if (pack.length > 1) expect(tokens).toBeLessThanOrEqual(partitions.limits.maxTokens)
        const key = pack[0]?.partition
        got.set(key, [...(got.get(key) ?? []), ...pack.map(({ name }) => name)])
      }
      const settle = (): void => {
        if (last) count(last)
        last = undefined
      }
      for (const [name, one] of all.entries()) {
        if (one === 'take') {
          settle()
          last = partitions.take(now)
        } else if (one === 'putBack') {
          if (last) partitions.putBack(last)
          last = undefined
        } else if (one === 'flush') {
          partitions.flush(0)
        } else if ('add' in one) {
          const key = one.key === 0 ? undefined : `key ${one.key}`
          partitions.add(item(name, key, one.add), now)
          expected.set(key, [...(expected.get(key) ?? []), name])
        } else if ('limits' in one) {
          settle()
          partitions.setLimits(one.limits, now)
        } else {
          now += one.later
        }
      }
      settle()
      partitions.flush(0)
      for (const pack of takeAll(partitions, now)) count(pack)
      expect(got).toEqual(expected)
      expect(partitions.hasReserve).toBe(false)
      expect(partitions.nextDue).toBe(Infinity)
    }),
    { numRuns: runs(1_000) },
  )
})
