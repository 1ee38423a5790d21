import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HashCounts } from '../../../../src/cli/run/resume/hash-counts.ts'
import { Identifier, type Hash } from '../../../../src/cli/rows/identity.ts'

/** Few different numbers, so that many hashes want the same slot. */
const hash = fc.tuple(fc.nat(3), fc.nat(40), fc.integer({ min: 1, max: 5 })).map((all): Hash => all)

test('counts hashes, also if many of them want the same slot', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('add', 'take', 'has'), hash), { maxLength: 400 }),
      (calls) => {
        const counts = new HashCounts()
        const model = new Map<string, number>()
        for (const [call, one] of calls) {
          const count = model.get(String(one)) ?? 0
          if (call === 'add') counts.add(one)
          else expect(counts[call](one)).toBe(count > 0)
          model.set(String(one), Math.max(count + { add: 1, take: -1, has: 0 }[call], 0))
        }
        for (const [name, count] of model) {
          const one = name.split(',').map(Number) as unknown as Hash
          for (let i = 0; i < count; i++) expect(counts.take(one)).toBe(true)
          expect(counts.take(one)).toBe(false)
        }
      },
    ),
  )
})

test('50,000 records take at most 40 bytes each, and 100,000 equal records one slot', () => {
  const counts = new HashCounts()
  const identifier = new Identifier()
  for (let i = 0; i < 50_000; i++) counts.add(identifier.of({ id: i }).id)
  expect(counts.bytes).toBeLessThan(50_000 * 40)
  const { bytes } = counts
  const { id } = identifier.of({ id: 0 })
  for (let i = 0; i < 100_000; i++) counts.add(id)
  expect(counts.bytes).toBe(bytes)
})
