import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Mix } from '../../src/packing/mix.ts'

/** What a mix gives out, one list for each time that it is full, and the rest. */
function blocks(items: readonly number[], size: number, seed?: number): number[][] {
  const mix = new Mix<number>(size, 100, seed)
  const out: number[][] = []
  for (const item of items) {
    mix.add(item, 0)
    if (mix.isFull) out.push(mix.take())
  }
  out.push(mix.take())
  return out
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('a mix', () => {
  it('gives out each item once, among the items that came with it', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(40), fc.integer(), (count, size, seed) => {
        const out = blocks(upTo(count), size, seed)
        const least = Math.max(1, size)
        expect(out.map((block) => block.toSorted((a, b) => a - b))).toEqual(
          upTo(Math.floor(count / least) + 1).map((i) => upTo(count).slice(i * least, (i + 1) * least)),
        )
      }),
    )
  })

  it('gives the same order for the same seed, and another for another seed', () => {
    expect(blocks(upTo(100), 50, 7)).toEqual(blocks(upTo(100), 50, 7))
    expect(blocks(upTo(100), 50)).toEqual(blocks(upTo(100), 50))
    expect(blocks(upTo(100), 50, 7)).not.toEqual(blocks(upTo(100), 50, 8))
    const [first = [], second = []] = blocks(upTo(100), 50)
    expect(second).not.toEqual(first.map((item) => item + 50))
  })

  it('draws each order equally often', () => {
    const counts = new Map<string, number>()
    for (let seed = 0; seed < 6_000; seed++) {
      const order = blocks([0, 1, 2], 3, seed)[0]?.join('') ?? ''
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    // 1,000 of each expected; a standard deviation is 29.
    expect(counts.size).toBe(6)
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150)
  })

  it('is due when its first item has waited long enough', () => {
    const mix = new Mix<string>(10, 100)
    expect(mix.due).toBe(Infinity)
    mix.add('a', 5)
    mix.add('b', 90)
    expect(mix.due).toBe(105)
    mix.take()
    expect([mix.due, mix.isEmpty]).toEqual([Infinity, true])
    mix.add('c', 200)
    expect(mix.due).toBe(300)
  })
})
