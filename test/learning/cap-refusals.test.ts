import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CapRefusals } from '../../src/learning/cap-refusals.ts'
import { runs } from '../helpers/properties.ts'

/** The caps that a server refused (-) and accepted (+), in this order. */
function after(...caps: readonly number[]): CapRefusals {
  const refusals = new CapRefusals()
  for (const cap of caps) {
    if (cap < 0) refusals.refuse(-cap)
    else refusals.accept(cap)
  }
  return refusals
}

describe('whether a server may get a cap', () => {
  it.each<[what: string, caps: number[], cap: number, allowed: boolean]>([
    ['at first, any cap', [], 1e9, true],
    ['after a refusal, no similar cap', [-552], 551, false],
    ['a clearly smaller cap', [-552], 276, true],
    ['after a second refusal, no cap', [-552, -276], 16, false],
    ['refusals of requests in flight together count once', [-552, -540, -553], 270, true],
    ['an accepted cap, although a larger cap was refused', [300, -552], 300, true],
    ['a cap in the middle', [300, -552], 426, true],
    ['no cap that is nearer to the refused cap', [300, -552], 427, false],
    ['any cap, if a cap was refused for one prompt only', [552, -300], 1e9, true],
    ['any cap, if the refused cap is accepted later', [-552, 600], 1e9, true],
  ])('%s', (_what, caps, cap, allowed) => {
    expect(after(...caps).allows(cap)).toBe(allowed)
  })

  it('any cap, if the server refused a request for another reason', () => {
    const refusals = after(-552, -200)
    expect([refusals.allows(16), refusals.tooLarge]).toEqual([false, 200])
    refusals.forgive()
    expect([refusals.allows(1e9), refusals.tooLarge]).toEqual([true, Infinity])
  })

  it('a server with any largest cap refuses few caps', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20_000 }),
        fc.array(fc.integer({ min: 16, max: 20_000 })),
        (most, caps) => {
          const refusals = new CapRefusals()
          let refused = 0
          for (const cap of caps.filter((one) => one > 0)) {
            if (!refusals.allows(cap)) continue
            if (cap <= most) {
              refusals.accept(cap)
            } else {
              refusals.refuse(cap)
              refused += 1
            }
          }
          expect(refused).toBeLessThanOrEqual(2 + Math.log2(20_000))
        },
      ),
      { numRuns: runs(500) },
    )
  })
})
