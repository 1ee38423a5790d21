import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/record/entry.ts'
import { PackQueue, type NextPack } from '../../src/packing/pack-queue.ts'
import { entryOf } from '../helpers/entry.ts'

const LIMITS = { maxTokens: 100, maxItems: 3 }

function queueOf(count: number, linger = 100): PackQueue<string> {
  const queue = new PackQueue<string>(LIMITS, linger, 1_000)
  for (let i = 0; i < count; i++) queue.add(entryOf(i), 0)
  return queue
}

const shown = (next: NextPack<string> | undefined): string | undefined =>
  next && `${next.isRetry ? 'again' : 'new'} ${next.pack.map(({ index }) => index).join(' ')}`

/** All packs that leave, one after the other. */
function leaving(queue: PackQueue<string>, now = 0): (string | undefined)[] {
  const packs: (string | undefined)[] = []
  for (let next = queue.peek(now); next; next = queue.peek(now)) {
    packs.push(shown(next))
    queue.drop()
  }
  return packs
}

describe('the pack that leaves next', () => {
  it('no pack without records', () => {
    const queue = queueOf(0)
    queue.flush(0)
    queue.halve()
    queue.drop()
    expect(queue.peek(1e9)).toBeUndefined()
    expect(queue.hasReserve).toBe(false)
    expect(queue.nextDue).toBe(Infinity)
  })

  it('the next pack stays the same until it is dropped', () => {
    const queue = queueOf(2)
    expect(queue.peek(99)).toBeUndefined()
    expect(queue.nextDue).toBe(100)
    const next = queue.peek(100)
    expect(shown(next)).toBe('new 0 1')
    queue.add(entryOf(2), 100)
    expect(queue.peek(100)).toBe(next)
    queue.drop()
    expect(queue.peek(100)).toBeUndefined()
    expect(queue.hasReserve).toBe(false)
  })

  it('the next pack does not stop reading, because the pack behind it would stay half full', () => {
    const queue = queueOf(9)
    expect(queue.hasReserve).toBe(true)
    expect(shown(queue.peek(0))).toBe('new 0 1 2')
    expect(queue.hasReserve).toBe(true)
    queue.drop()
    expect(shown(queue.peek(0))).toBe('new 3 4 5')
    expect(queue.hasReserve).toBe(false)
  })

  it('records to send again go first', () => {
    const queue = queueOf(6)
    queue.addAgain([entryOf(9), entryOf(8)])
    queue.flush(0)
    expect(leaving(queue)).toEqual(['again 8 9', 'new 0 1 2', 'new 3 4 5'])
  })

  it('also before a pack that was about to leave, which stays complete and comes next', () => {
    const queue = queueOf(6)
    queue.flush(0)
    expect(shown(queue.peek(0))).toBe('new 0 1 2')
    queue.addAgain([entryOf(9)])
    expect(queue.hasReserve).toBe(true)
    expect(leaving(queue)).toEqual(['again 9', 'new 0 1 2', 'new 3 4 5'])
  })

  it('records to send again share a pack, although the first of them were about to leave', () => {
    const queue = queueOf(0)
    queue.addAgain([entryOf(5)])
    expect(shown(queue.peek(0))).toBe('again 5')
    queue.addAgain([entryOf(2)])
    expect(leaving(queue)).toEqual(['again 2 5'])
  })

  it('an empty list of records to send again has no effect', () => {
    const queue = queueOf(6)
    const next = queue.peek(0)
    expect(next).toBeDefined()
    queue.addAgain([])
    expect(queue.peek(0)).toBe(next)
  })
})

describe('new limits', () => {
  it.each(['new', 'again'])('hold also for a %s pack that was about to leave', (what) => {
    const queue = queueOf(what === 'new' ? 3 : 0)
    if (what === 'again') queue.addAgain([entryOf(0), entryOf(1), entryOf(2)])
    queue.flush(0)
    expect(shown(queue.peek(0))).toBe(`${what} 0 1 2`)
    queue.setLimits({ maxTokens: 100, maxItems: 2 }, 0)
    expect(leaving(queue)).toEqual([`${what} 0 1`, `${what} 2`])
  })

  it('that are equal to the old limits have no effect', () => {
    const queue = queueOf(6)
    const before = shown(queue.peek(0))
    queue.setLimits({ ...LIMITS }, 0)
    expect(shown(queue.peek(0))).toBe(before)
  })
})

describe('a pack that cannot leave as it is', () => {
  // New records stay new, because they were not sent.
  it.each(['new', 'again'])('a %s one is halved, and its halves are next', (what) => {
    const queue = queueOf(what === 'new' ? 6 : 3)
    queue.flush(0)
    if (what === 'again') queue.addAgain([entryOf(9), entryOf(10), entryOf(11)])
    const [a, b, c] = what === 'new' ? [0, 1, 2] : [9, 10, 11]
    expect(shown(queue.peek(0))).toBe(`${what} ${a} ${b} ${c}`)
    queue.halve()
    expect(shown(queue.peek(0))).toBe(`${what} ${a} ${b}`)
    queue.halve()
    const last = what === 'new' ? 'new 3 4 5' : 'new 0 1 2'
    expect(leaving(queue)).toEqual([`${what} ${a}`, `${what} ${b}`, `${what} ${c}`, last])
  })

  it('one record is not halved', () => {
    const queue = queueOf(1)
    queue.flush(0)
    const next = queue.peek(0)
    queue.halve()
    expect(queue.peek(0)).toBe(next)
    expect(next?.pack[0]?.maxCompany).toBe(25)
    expect(leaving(queue)).toEqual(['new 0'])
  })

  it('suspected records stay together', () => {
    const queue = queueOf(0)
    queue.addAgain([0, 1, 2].map((index) => entryOf(index, { group: 1 })))
    queue.addAgain([entryOf(3)])
    expect(shown(queue.peek(0))).toBe('again 0 1 2')
    queue.halve()
    expect(leaving(queue)).toEqual(['again 0 1', 'again 2', 'again 3'])
  })
})

it('with any calls, each record leaves once for each time it was put in, with records of its group, within the limits', () => {
  const limits = fc.record({
    maxTokens: fc.integer({ min: 1, max: 30 }),
    maxItems: fc.integer({ min: 1, max: 6 }),
  })
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ add: fc.nat(12), key: fc.constantFrom(undefined, 'a', 'b') }) },
    { weight: 4, arbitrary: fc.constantFrom('peek' as const, 'send' as const, 'send' as const) },
    { weight: 1, arbitrary: fc.constantFrom('halve' as const, 'flush' as const) },
    { weight: 2, arbitrary: fc.record({ again: fc.nat(5), maxCompany: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 1, arbitrary: fc.record({ limits }) },
    { weight: 3, arbitrary: fc.record({ later: fc.nat(60) }) },
  )
  fc.assert(
    fc.property(limits, fc.array(step, { maxLength: 60 }), (first, steps) => {
      const queue = new PackQueue<string>(first, 50, 20)
      let current = first
      const inside = new Set<Entry<string>>()
      const sent: Entry<string>[] = []
      const untried = new Set<Entry<string>>()
      let now = 0
      const send = (): void => {
        const next = queue.peek(now)
        if (!next) return
        const { pack, isRetry } = next
        expect(pack.length).toBeGreaterThanOrEqual(1)
        expect(pack.length).toBeLessThanOrEqual(current.maxItems)
        expect(new Set(pack.map(({ partition }) => partition)).size).toBe(1)
        const tokens = pack.reduce((sum, one) => sum + one.tokens, 0)
        if (pack.length > 1) expect(tokens).toBeLessThanOrEqual(current.maxTokens)
        if (isRetry) expect(pack.length).toBeLessThanOrEqual(Math.min(...pack.map((one) => one.maxCompany)))
        for (const entry of pack) {
          expect(inside.delete(entry)).toBe(true)
          expect(untried.delete(entry)).toBe(!isRetry)
        }
        sent.push(...pack)
        queue.drop()
      }
      for (const [index, one] of steps.entries()) {
        if (one === 'peek') queue.peek(now)
        else if (one === 'send') send()
        else if (one === 'halve') queue.halve()
        else if (one === 'flush') queue.flush(0)
        else if ('add' in one) {
          const entry = entryOf(index, { tokens: one.add, partition: one.key })
          queue.add(entry, now)
          inside.add(entry)
          untried.add(entry)
        } else if ('again' in one) {
          const again = sent.splice(0, one.again)
          for (const entry of again) {
            entry.maxCompany = one.maxCompany
            inside.add(entry)
          }
          queue.addAgain(again)
        } else if ('limits' in one) {
          current = one.limits
          queue.setLimits(current, now)
        } else {
          now += one.later
        }
      }
      queue.flush(0)
      for (let i = 0; inside.size > 0 && i < 200; i++) send()
      expect(inside.size).toBe(0)
      expect(queue.peek(now)).toBeUndefined()
      expect(queue.hasReserve).toBe(false)
    }),
    { numRuns: 1_000 },
  )
})
