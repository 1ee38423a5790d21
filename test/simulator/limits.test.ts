import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatDuration, RateLimits, tokenCharge } from '../../src/simulator/limits.ts'

describe('formatDuration', () => {
  test.each([
    [0, '0s'],
    [1, '1ms'],
    [120, '120ms'],
    [999, '999ms'],
    [1000, '1s'],
    [8640, '8.64s'],
    [59_999, '59.999s'],
    [60_000, '1m0s'],
    [360_000, '6m0s'],
    [61_500, '1m1.5s'],
    [3_600_000, '1h0m0s'],
    [3_723_004, '1h2m3.004s'],
  ])('%i ms is %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text)
  })
})

test.each([
  [0, undefined, 0],
  [401, undefined, 101],
  [400, 50, 100],
  [400, 500, 500],
])('%i characters and a cap of %s are charged as %i tokens', (characters, cap, charge) => {
  expect(tokenCharge(characters, cap)).toBe(charge)
})

describe('RateLimits', () => {
  test('refills continuously, and returns the exact wait', () => {
    const limits = new RateLimits({ requestsPerMinute: 2, tokensPerMinute: 6000 }, 0)
    expect(limits.take(0, 1000)).toBeUndefined()
    expect(limits.headers(0)).toEqual({
      'x-ratelimit-limit-requests': '2',
      'x-ratelimit-remaining-requests': '1',
      'x-ratelimit-reset-requests': '30s',
      'x-ratelimit-limit-tokens': '6000',
      'x-ratelimit-remaining-tokens': '5000',
      'x-ratelimit-reset-tokens': '10s',
    })
    expect(limits.take(0, 1000)).toBeUndefined()
    expect(limits.take(0, 1000)).toEqual({ kind: 'requests', limit: 2, used: 2, requested: 1, wait: 30_000 })
    expect(limits.take(29_999, 1000)).toMatchObject({ kind: 'requests', wait: 1 })
    expect(limits.take(30_000, 1000)).toBeUndefined()
    expect(limits.headers(60_000)['x-ratelimit-reset-requests']).toBe('30s')
    expect(limits.headers(3_600_000)['x-ratelimit-reset-requests']).toBe('0s')
  })

  test('a refused request is charged to neither limit', () => {
    const limits = new RateLimits({ requestsPerMinute: 10, tokensPerMinute: 1000 }, 0)
    expect(limits.take(0, 900)).toBeUndefined()
    expect(limits.take(0, 200)).toMatchObject({ kind: 'tokens', used: 900, requested: 200, wait: 6000 })
    expect(limits.headers(0)['x-ratelimit-remaining-requests']).toBe('9')
    expect(limits.headers(0)['x-ratelimit-remaining-tokens']).toBe('100')
  })

  test('a request that is larger than the whole limit never passes and gets no wait', () => {
    const limits = new RateLimits({ tokensPerMinute: 1000 }, 0)
    expect(limits.take(0, 1001)).toMatchObject({
      kind: 'tokens',
      limit: 1000,
      requested: 1001,
      wait: undefined,
    })
    expect(limits.take(0, 1000)).toBeUndefined()
  })

  test('without limits every request passes and there are no headers', () => {
    const limits = new RateLimits({}, 0)
    expect(limits.take(0, 1e9)).toBeUndefined()
    expect(limits.headers(0)).toEqual({})
  })

  test('the returned wait is always enough, and no more passes than the bucket held and refilled', () => {
    const request = fc.record({ pause: fc.nat({ max: 5000 }), tokens: fc.integer({ min: 1, max: 700 }) })
    fc.assert(
      fc.property(fc.array(request), fc.integer({ min: 1, max: 900 }), (requests, requestsPerMinute) => {
        const limits = new RateLimits({ requestsPerMinute, tokensPerMinute: 700 }, 0)
        let now = 0
        let taken = 0
        for (const { pause, tokens } of requests) {
          now += pause
          for (
            let refusal = limits.take(now, tokens);
            refusal !== undefined;
            refusal = limits.take(now, tokens)
          ) {
            expect(refusal.wait).toBeGreaterThan(0)
            now += refusal.wait ?? 0
            const again = limits.take(now, tokens)
            // The other limit may refuse the request as well, but the same limit never refuses it
            // again.
            if (again === undefined) break
            expect(again.kind).not.toBe(refusal.kind)
            now += again.wait ?? 0
          }
          taken += tokens
        }
        expect(taken).toBeLessThanOrEqual(700 + (now * 700) / 60_000 + 1)
      }),
    )
  })
})
