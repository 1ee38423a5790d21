import { countTokens as cl100k } from 'gpt-tokenizer/encoding/cl100k_base'
import { countTokens as o200k } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, it } from 'vitest'
import { idAt } from '../../src/request/ids.ts'

const ids = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => idAt(from + i))
const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b)
const three = ids(0, 900)
const four = ids(900, 9_900)

describe('ids', () => {
  it('are all numbers with three digits, then all numbers with four digits, and no id comes twice', () => {
    expect(sorted(three)).toEqual(Array.from({ length: 900 }, (_, i) => 100 + i))
    expect(sorted(four)).toEqual(Array.from({ length: 9_000 }, (_, i) => 1_000 + i))
    expect(new Set(ids(9_800, 20_000)).size).toBe(10_200)
  })

  it('are the same in each process', () => {
    expect(ids(0, 8)).toEqual([685, 208, 541, 703, 487, 775, 694, 802])
    expect(ids(900, 904)).toEqual([1189, 5347, 6013, 2503])
  })

  it.each([
    ['three digits', three],
    ['four digits', four],
  ])('%s have no run and no step', (_digits, all) => {
    const steps = all.slice(1).map((id, i) => id - all[i]!)
    expect(Math.min(...steps.map(Math.abs))).toBeGreaterThanOrEqual(2)
    for (const [i, step] of steps.slice(1).entries()) expect(step).not.toBe(steps[i])
    // No three ids in a row go up again and again.
    let rising = 0
    let longest = 0
    for (const step of steps) {
      rising = step > 0 ? rising + 1 : 0
      longest = Math.max(longest, rising)
    }
    expect(longest).toBeLessThanOrEqual(4)
  })

  it('a model that goes on counting from an id meets no other id among 100 in a row', () => {
    for (let from = 0; from + 100 <= 900; from++) {
      const pack = new Set(ids(from, from + 100))
      for (const id of pack) {
        expect(pack.has(id + 1)).toBe(false)
        expect(pack.has(id - 1)).toBe(false)
      }
    }
  })

  it('are one token each', () => {
    for (const id of three) {
      expect(o200k(String(id))).toBe(1)
      expect(cl100k(String(id))).toBe(1)
    }
  })
})
