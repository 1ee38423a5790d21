import { describe, expect, it } from 'vitest'
import { OutputSize } from '../../src/output-size.ts'

const learned = (...answers: readonly (readonly [tokens: number, elements: number])[]): OutputSize => {
  const size = new OutputSize()
  for (const [tokens, elements] of answers) size.observe(tokens, elements)
  return size
}

describe('how many records fit under the output cap', () => {
  it('is unlimited before anything is known', () => {
    expect(new OutputSize().recordsWithin(1)).toBe(Infinity)
  })

  it('leaves three tenths of the cap as room', () => {
    expect(learned([250, 25]).recordsWithin(1_000)).toBe(70)
  })

  it('is never less than one record', () => {
    expect(learned([10_000, 1]).recordsWithin(100)).toBe(1)
  })

  it('an answer cut before its first element closed says that one is at least that long', () => {
    expect(learned([100, 0]).recordsWithin(1_000)).toBe(7)
  })

  it('answers of no tokens say nothing', () => {
    expect(learned([0, 0], [0, 25]).recordsWithin(100)).toBe(Infinity)
  })

  it('follows results that grow within a few answers', () => {
    const answers = Array.from({ length: 10 }, () => [1_000, 10] as const)
    const size = learned([100, 10], ...answers)
    expect(size.recordsWithin(1_000)).toBeGreaterThanOrEqual(7)
    expect(size.recordsWithin(1_000)).toBeLessThanOrEqual(8)
  })

  it('one odd answer does not decide alone', () => {
    const size = learned(...Array.from({ length: 10 }, () => [100, 10] as const), [1_000, 1])
    expect(size.recordsWithin(10_000)).toBeGreaterThan(20)
  })

  // Some gateways leave a count out of their usage.
  it('an answer whose tokens are not a number does not end the learning', () => {
    const size = learned([NaN, 10], [100, 10])
    expect(size.recordsWithin(1_000)).toBe(70)
  })
})
