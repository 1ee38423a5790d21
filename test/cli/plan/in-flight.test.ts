import { describe, expect, it } from 'vitest'
import { bestInFlight, type InFlight } from '../../../src/cli/plan/in-flight.ts'
import { rowOf, type Terms, type Totals } from '../../../src/cli/estimate/row.ts'
import type { Pace } from '../../../src/cli/estimate/server-model.ts'
import type { Range } from '../../../src/cli/measure/range.ts'

const exactly = (value: number): Range => ({ low: value, expected: value, high: value })
/** A request takes a second. */
const pace: Pace = {
  timeToFirstToken: { ...exactly(500), source: 'stated' },
  outputTokensPerSecond: { ...exactly(100), source: 'stated' },
  ...{ promptTokensPerSecond: undefined, slowdown: 0 },
}
const none = { requestsPerMinute: undefined, tokensPerMinute: undefined }

function advice(requests: number, limits: Partial<Terms>): InFlight {
  const totals: Totals = {
    ...{ size: 20, requests, full: requests, inputTokens: 500 * requests, firstCap: 0, loose: [] },
    ...{ outputTokens: exactly(50 * requests), largestOutput: exactly(50), charged: exactly(400 * requests) },
    ...{ prefixTokens: 400, fullPrefixTokens: 400, overLimit: 0, savedTokens: 0, overContext: 0 },
  }
  const terms = { pace, pricing: undefined, ...none, ...limits }
  const isLimited = (limits.requestsPerMinute ?? limits.tokensPerMinute) !== undefined
  return bestInFlight((maxInFlight) => rowOf(totals, { ...terms, maxInFlight }), isLimited)
}

describe('the number of requests at once that is worth it', () => {
  it('is what the requests per minute need', () => {
    // 10 requests a second, and each takes a second. The first 100 may start at once.
    const inFlight = advice(1_200, { requestsPerMinute: 600 })
    expect(inFlight).toMatchObject({ boundBy: 'requests per minute' })
    expect(inFlight.requests).toBeGreaterThanOrEqual(10)
    expect(inFlight.requests).toBeLessThanOrEqual(12)
  })

  it('is what the tokens per minute need', () => {
    // 20 requests a second, at 400 tokens each.
    const inFlight = advice(1_200, { tokensPerMinute: 480_000 })
    expect(inFlight).toMatchObject({ boundBy: 'tokens per minute' })
    expect(inFlight.requests).toBeGreaterThanOrEqual(20)
    expect(inFlight.requests).toBeLessThanOrEqual(24)
  })

  it('is one for each request, if there are only a few', () => {
    const inFlight = advice(5, { requestsPerMinute: 6_000 })
    expect(inFlight).toMatchObject({ requests: 5, boundBy: 'requests' })
    expect(inFlight.time.expected).toBe(1_000)
    expect(advice(1, {})).toMatchObject({ requests: 1, boundBy: 'requests' })
  })

  it('is lower where requests slow each other', () => {
    const inFlight = advice(600, { requestsPerMinute: 1e9, pace: { ...pace, slowdown: 1 } })
    expect(inFlight.boundBy).toBe('slowdown')
    expect(inFlight.requests).toBeLessThan(100)
  })

  it('is moderate as long as no limit is stated', () => {
    const inFlight = advice(100_000, {})
    expect(inFlight.boundBy).toBe('unknown')
    expect(inFlight.requests).toBeGreaterThan(50)
    expect(inFlight.requests).toBeLessThanOrEqual(64)
  })
})
