import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PackSize } from '../../src/learning/pack-size.ts'
import { runs } from '../helpers/properties.ts'

describe('the size of packs in a small context', () => {
  /** Sends packs as large as the limit, several at once. Returns the sizes, refused or not. */
  const play = (most: number, context: number, inFlight: number, requests: number) => {
    const size = new PackSize(most)
    const running: number[] = []
    const fitted: number[] = []
    let refused = 0
    for (let i = 0; i < requests; i++) {
      while (running.length < inFlight) running.push(size.limit)
      const tokens = running.shift() ?? 0
      if (tokens > context) {
        size.refuse(tokens, false)
        refused += 1
      } else {
        size.accept(tokens)
        fitted.push(tokens)
      }
    }
    return { refused, fitted, limit: size.limit }
  }

  it('is found, and nearly used up, with any number of requests in flight', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 1_000_000 }),
        fc.double({ min: 0.02, max: 1.5, noNaN: true }),
        fc.constantFrom(1, 4, 8, 16),
        (most, share, inFlight) => {
          const context = Math.ceil(most * share)
          const { refused, fitted } = play(most, context, inFlight, 400)
          const steps = Math.ceil(Math.log(Math.max(1, 1 / share)) / Math.log(1 / 0.7)) + 8
          expect(refused).toBeLessThanOrEqual(steps * inFlight)
          const last = fitted.slice(-50)
          const mean = last.reduce((sum, tokens) => sum + tokens, 0) / last.length
          expect(mean).toBeGreaterThan(0.7 * Math.min(most, context))
        },
      ),
      { numRuns: runs(300) },
    )
  })

  it('recovers after a part of the input was longer than expected', () => {
    const size = new PackSize(1_000)
    for (const tokens of [1_000, 700, 490]) size.refuse(tokens, false)
    expect(size.limit).toBe(343)
    for (let i = 0; i < 2_000; i++) size.accept(size.limit)
    expect(size.limit).toBe(1_000)
  })

  it('does not grow by packs that are far from full', () => {
    const size = new PackSize(1_000)
    size.refuse(1_000, false)
    for (let i = 0; i < 1_000; i++) size.accept(100)
    expect(size.limit).toBe(700)
  })
})
