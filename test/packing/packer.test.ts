import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evenOut, Packer, type PackLimits } from '../../src/packing/packer.ts'

interface Item {
  readonly tokens: number
  readonly name: number
}

const items = (count: number, tokens = 1): Item[] =>
  Array.from({ length: count }, (_, name) => ({ tokens, name }))
const sizes = (packs: readonly (readonly unknown[])[]): number[] => packs.map((pack) => pack.length)
const names = (pack: readonly Item[] | undefined): number[] | undefined => pack?.map(({ name }) => name)
const sum = (pack: readonly Item[]): number => pack.reduce((total, { tokens }) => total + tokens, 0)

function packer(limits: Partial<PackLimits> = {}, linger = 100): Packer<Item> {
  return new Packer({ maxTokens: 100, maxItems: 3, ...limits }, linger)
}

function takeAll(from: Packer<Item>, now: number): Item[][] {
  const packs: Item[][] = []
  for (let pack = from.take(now); pack; pack = from.take(now)) packs.push(pack)
  return packs
}

describe('filling packs', () => {
  it('an empty packer has no pack and no time to wait for', () => {
    const empty = packer()
    empty.flush()
    expect(empty.take(1e9)).toBeUndefined()
    expect(empty.nextDue).toBe(Infinity)
    expect(empty.hasReserve).toBe(false)
  })

  it('a pack closes at its count, and the next item opens another pack', () => {
    const full = packer({ maxItems: 3 }, 0)
    for (const item of items(4)) full.add(item, 0)
    expect(takeAll(full, 0).map(names)).toEqual([[0, 1, 2], [3]])
  })

  it('a pack may reach its token budget, and never exceeds it', () => {
    const full = packer({ maxTokens: 10, maxItems: 99 }, 0)
    for (const item of items(5, 5)) full.add(item, 0)
    expect(takeAll(full, 0).map(names)).toEqual([[0, 1], [2, 3], [4]])
  })

  it('an item that is larger than the budget is alone and is not cut', () => {
    const full = packer({ maxTokens: 10 }, 0)
    const huge = { tokens: 11, name: 1 }
    full.add({ tokens: 1, name: 0 }, 0)
    full.add(huge, 0)
    full.add({ tokens: 1, name: 2 }, 0)
    expect(takeAll(full, 0)).toEqual([[{ tokens: 1, name: 0 }], [huge], [{ tokens: 1, name: 2 }]])
  })
})

describe('when a pack leaves', () => {
  it('a full pack stays until a second full pack is behind it', () => {
    const waiting = packer({ maxItems: 2 })
    for (const item of items(3)) waiting.add(item, 0)
    expect(waiting.take(0)).toBeUndefined()
    waiting.add({ tokens: 1, name: 3 }, 0)
    expect(names(waiting.take(0))).toEqual([0, 1])
    expect(waiting.take(0)).toBeUndefined()
  })

  it('a pack that was closed by an item too large for it counts as full', () => {
    const waiting = packer({ maxTokens: 10, maxItems: 99 })
    for (const item of items(2, 6)) waiting.add(item, 0)
    expect(waiting.hasReserve).toBe(false)
    waiting.add({ tokens: 6, name: 2 }, 0)
    expect(waiting.hasReserve).toBe(true)
    expect(names(waiting.take(0))).toEqual([0])
  })

  it('a partial pack leaves when the linger time of its first item is over', () => {
    const waiting = packer({}, 100)
    waiting.add({ tokens: 1, name: 0 }, 50)
    waiting.add({ tokens: 1, name: 1 }, 149)
    expect(waiting.nextDue).toBe(150)
    expect(waiting.take(149.9)).toBeUndefined()
    expect(names(waiting.take(150))).toEqual([0, 1])
    expect(waiting.nextDue).toBe(Infinity)
  })

  it('the linger time of each pack begins with its first item', () => {
    const waiting = packer({ maxItems: 2 }, 100)
    waiting.add({ tokens: 1, name: 0 }, 0)
    waiting.add({ tokens: 1, name: 1 }, 10)
    waiting.add({ tokens: 1, name: 2 }, 20)
    expect(names(waiting.take(100))).toEqual([0, 1])
    expect(waiting.take(100)).toBeUndefined()
    expect(waiting.nextDue).toBe(120)
    expect(names(waiting.take(120))).toEqual([2])
  })

  it('flush makes all packs leave at once', () => {
    const waiting = packer({ maxItems: 2 }, 1e9)
    for (const item of items(3)) waiting.add(item, 0)
    waiting.flush()
    expect(takeAll(waiting, 0).map(names)).toEqual([[0, 1], [2]])
  })

  it('items after a flush wait as usual, behind the flushed items', () => {
    const waiting = packer({}, 100)
    waiting.add({ tokens: 1, name: 0 }, 0)
    waiting.flush()
    waiting.add({ tokens: 1, name: 1 }, 1)
    expect(names(waiting.take(1))).toEqual([0])
    expect(waiting.take(1)).toBeUndefined()
    expect(names(waiting.take(101))).toEqual([1])
  })

  it('there is a reserve when a second full pack waits, and no reserve after a pack has left', () => {
    const waiting = packer({ maxItems: 1 })
    waiting.add({ tokens: 1, name: 0 }, 0)
    expect(waiting.hasReserve).toBe(false)
    waiting.add({ tokens: 1, name: 1 }, 0)
    expect(waiting.hasReserve).toBe(true)
    waiting.take(0)
    expect(waiting.hasReserve).toBe(false)
  })

  // Otherwise frequent calls of flush() while all requests are busy would read the whole input into
  // memory.
  it('it has a reserve while flushed packs wait to leave, also after many flushes', () => {
    const waiting = packer({ maxItems: 1 })
    for (const item of items(10)) {
      waiting.add(item, 0)
      waiting.flush()
    }
    expect(waiting.hasReserve).toBe(true)
    takeAll(waiting, 0)
    expect(waiting.hasReserve).toBe(false)
  })

  it('packs that wait when a limit becomes smaller leave within the new limit', () => {
    const waiting = packer({ maxItems: 4 }, 0)
    for (const item of items(8)) waiting.add(item, 0)
    waiting.setLimits({ ...waiting.limits, maxItems: 2 }, 0)
    const packs = takeAll(waiting, 0)
    expect(packs.flatMap((pack) => names(pack))).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(Math.max(...sizes(packs))).toBe(2)
  })
})

describe('evening out', () => {
  it.each([
    [26, 25, [13, 13]],
    [26, 5, [5, 5, 4, 4, 4, 4]],
    [7, 3, [3, 2, 2]],
    [25, 25, [25]],
    [27, 25, [14, 13]],
    [50, 25, [25, 25]],
    [51, 25, [17, 17, 17]],
    [1, 25, [1]],
    [3, 1, [1, 1, 1]],
    [0, 25, []],
  ])('%i items in packs of at most %i become %j', (count, maxItems, expected) => {
    expect(sizes(evenOut(items(count), { maxTokens: 1e9, maxItems }))).toEqual(expected)
  })

  it('tokens are distributed evenly too', () => {
    expect(sizes(evenOut(items(26, 4), { maxTokens: 100, maxItems: 1_000 }))).toEqual([13, 13])
  })

  it('an oversize item stays alone, and the other items are still distributed', () => {
    const mixed = [...items(26, 4), { tokens: 1_000, name: 26 }]
    expect(sizes(evenOut(mixed, { maxTokens: 100, maxItems: 1_000 }))).toEqual([13, 13, 1])
  })

  it('no small pack is left behind many full packs', () => {
    const counts = sizes(evenOut(items(26), { maxTokens: 1e9, maxItems: 5 }))
    expect(counts).toHaveLength(6)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(counts.length)
  })
})

const limitsOf = fc.record({
  maxTokens: fc.integer({ min: 1, max: 60 }),
  maxItems: fc.integer({ min: 1, max: 12 }),
})
const weights = fc.array(fc.integer({ min: 0, max: 70 }), { maxLength: 80 })
const weighed = (tokens: readonly number[]): Item[] =>
  tokens.map((weight, name) => ({ tokens: weight, name }))

/**
 * Checks that the items are in order, with no item lost or doubled, within the limits, except for a
 * lone item that is larger than the limits.
 */
function expectSound(packs: readonly Item[][], all: readonly Item[], limits: PackLimits): void {
  expect(packs.flat()).toEqual(all)
  for (const pack of packs) {
    expect(pack.length).toBeGreaterThan(0)
    expect(pack.length).toBeLessThanOrEqual(limits.maxItems)
    if (pack.length > 1) expect(sum(pack)).toBeLessThanOrEqual(limits.maxTokens)
  }
}

/** Returns the smallest number of packs in order, by simple greedy packing. */
function fewest(all: readonly Item[], { maxTokens, maxItems }: PackLimits): number {
  let count = 0
  let size = Infinity
  let tokens = 0
  for (const item of all) {
    size += 1
    tokens += item.tokens
    if (size > maxItems || tokens > maxTokens) {
      count += 1
      size = 1
      tokens = item.tokens
    }
  }
  return count
}

describe('with any input', () => {
  it('every item leaves exactly once, in order, in packs within the limits, with any order of calls', () => {
    const steps = fc.array(
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({ do: fc.constant('add' as const), tokens: fc.integer({ min: 0, max: 70 }) }),
        },
        { weight: 3, arbitrary: fc.record({ do: fc.constant('take' as const) }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
        {
          weight: 2,
          arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 150 }) }),
        },
      ),
      { maxLength: 150 },
    )
    fc.assert(
      fc.property(limitsOf, fc.constantFrom(0, 100), steps, (limits, linger, script) => {
        const subject = new Packer<Item>({ ...limits }, linger)
        const all: Item[] = []
        const packs: Item[][] = []
        let now = 0
        for (const step of script) {
          if (step.do === 'add') {
            const item = { tokens: step.tokens, name: all.length }
            all.push(item)
            subject.add(item, now)
          } else if (step.do === 'flush') {
            subject.flush()
          } else if (step.do === 'wait') {
            now += step.ms
          } else {
            const pack = subject.take(now)
            if (pack) packs.push(pack)
          }
        }
        subject.flush()
        packs.push(...takeAll(subject, now))
        expectSound(packs, all, limits)
        expect(subject.nextDue).toBe(Infinity)
      }),
    )
  })

  it('no item waits longer than the linger time of its pack', () => {
    fc.assert(
      fc.property(
        limitsOf,
        fc.array(fc.tuple(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: 60 }))),
        (limits, arrivals) => {
          const subject = new Packer<Item>({ ...limits }, 100)
          const cameAt: number[] = []
          let now = 0
          for (const [tokens, pause] of arrivals) {
            now += pause
            takeAll(subject, now)
            subject.add({ tokens, name: cameAt.length }, now)
            cameAt.push(now)
            // If it is asked at the time that it names, it never names a past time twice.
            takeAll(subject, now)
            expect(subject.nextDue).toBeGreaterThan(now)
            expect(subject.nextDue - now <= 100 || subject.nextDue === Infinity).toBe(true)
          }
          takeAll(subject, now + 100)
          expect(subject.nextDue).toBe(Infinity)
        },
      ),
    )
  })

  it('even distribution loses no item, breaks no limit, and needs no more packs than greedy packing', () => {
    fc.assert(
      fc.property(limitsOf, weights, (limits, tokens) => {
        const all = weighed(tokens)
        const packs = evenOut(all, limits)
        expectSound(packs, all, limits)
        expect(packs).toHaveLength(fewest(all, limits))
      }),
    )
  })

  it('packs of items with equal weight differ by fewer items than there are packs', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 40 }), (count, maxItems) => {
        const counts = sizes(evenOut(items(count), { maxTokens: 1e9, maxItems }))
        expect(counts).toHaveLength(Math.ceil(count / maxItems))
        expect(Math.max(...counts)).toBe(Math.ceil(count / counts.length))
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(counts.length)
      }),
    )
  })

  it('no smaller share of the token budget is enough for the same number of packs', () => {
    const share = fc.record({ maxTokens: fc.integer({ min: 70, max: 400 }), maxItems: fc.constant(1_000) })
    fc.assert(
      fc.property(share, weights, (limits, tokens) => {
        const all = weighed(tokens)
        const packs = evenOut(all, limits)
        const largest = Math.max(0, ...packs.map(sum))
        // The search has a precision of a thousandth of the budget.
        const less = { ...limits, maxTokens: largest - 1 - limits.maxTokens / 1_000 }
        if (less.maxTokens >= Math.max(0, ...tokens)) expect(fewest(all, less)).toBeGreaterThan(packs.length)
      }),
    )
  })
})
