import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DoneSet } from '../../../../src/cli/run/resume/done-set.ts'

test('holds only the added indexes', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 100_000 })), fc.nat({ max: 100_100 }), (indexes, other) => {
      const done = new DoneSet()
      const set = new Set<number>()
      for (const index of indexes) {
        expect(done.add(index)).toBe(!set.has(index))
        set.add(index)
      }
      expect(done.size).toBe(set.size)
      for (const index of [...indexes, other, 0]) expect(done.has(index)).toBe(set.has(index))
    }),
  )
})

test('two million indexes take a quarter of a megabyte', () => {
  const done = new DoneSet()
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 2_000_000; i += 1) done.add(i)
  expect(done.size).toBe(2_000_000)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20)
})
