import { RateLimiter } from 'llm-pack-stream'
import { startSimulator } from 'llm-pack-stream/simulator'
import { describe, expect, it } from 'vitest'
import { choose } from '../../../src/cli/plan/choose.ts'
import { learnedCap } from '../../../src/cli/estimate/estimate.ts'
import { paceOf, requestTime, type Pace } from '../../../src/cli/estimate/server-model.ts'
import { rangeOf, type Range } from '../../../src/cli/measure/range.ts'
import { cachedPart, rowOf, type PlanRow, type Terms } from '../../../src/cli/estimate/row.ts'
import { defaultLatency } from '../../../src/simulator/latency.ts'

const exactly = (value: number): Range => ({ low: value, expected: value, high: value })
const pace: Pace = {
  timeToFirstToken: { ...exactly(500), source: 'stated' },
  outputTokensPerSecond: { ...exactly(100), source: 'stated' },
  promptTokensPerSecond: undefined,
  slowdown: 0,
}
const terms: Terms = {
  ...{ pace, maxInFlight: 4, pricing: undefined, requestsPerMinute: undefined, tokensPerMinute: undefined },
}
const totals = {
  ...{ size: 10, requests: 40, inputTokens: 20_000, outputTokens: exactly(4_000) },
  ...{
    largestOutput: exactly(120),
    full: 40,
    prefixTokens: 400,
    fullPrefixTokens: 400,
    overLimit: 0,
    savedTokens: 0,
    overContext: 0,
  },
  ...{ charged: exactly(16_000), firstCap: 0, loose: [] },
}

describe('the bounds of time', () => {
  it('latency: rounds of requests, each with its first token and its output', () => {
    // 10 rounds of 0.5 s + 100 tokens at 100 a second.
    expect(rowOf(totals, terms)).toMatchObject({ boundBy: 'latency × max-in-flight', time: exactly(15_000) })
  })

  it('latency: at least one request', () => {
    expect(rowOf({ ...totals, requests: 1, outputTokens: exactly(100) }, terms).time).toEqual(exactly(1_500))
  })

  it('latency: a partial round takes as long as a full round', () => {
    const work = { requests: 5, uncachedInput: 0, output: exactly(500), maxInFlight: 4 }
    expect(requestTime(pace, work)).toEqual(exactly(1_500))
    expect(rowOf({ ...totals, requests: 5, outputTokens: exactly(500) }, terms).time).toEqual(exactly(3_000))
  })

  it('latency: reading the prompt, and slower writing with other requests in flight', () => {
    const slow = { ...pace, promptTokensPerSecond: 1_000, slowdown: 0.1 }
    const work = { requests: 8, uncachedInput: 8_000, output: exactly(800), maxInFlight: 4 }
    expect(requestTime(slow, work).expected).toBeCloseTo(500 + 1_000 + 1_300)
  })

  it('latency: from the best case to the worst case', () => {
    const range = {
      ...pace,
      timeToFirstToken: { low: 100, expected: 500, high: 900, source: 'measured' as const },
      outputTokensPerSecond: { low: 50, expected: 100, high: 200, source: 'measured' as const },
    }
    const output = { low: 200, expected: 400, high: 600 }
    const work = { requests: 4, uncachedInput: 0, output, maxInFlight: 4 }
    expect(requestTime(range, work)).toEqual({ low: 100 + 250, expected: 500 + 1_000, high: 900 + 3_000 })
  })

  it('latency: uncertain packs may end with the largest pack', () => {
    const row = rowOf({ ...totals, loose: ['partition'] }, terms)
    expect(row.time).toEqual({ ...exactly(15_000), high: 15_200 })
  })

  // The last request starts when all others have passed the limit. The limit lets 10 s worth of
  // requests start at once. The last request then takes 1.5 s.
  const last = (start: number, oneByOne: number): Range => ({
    ...{ low: start + 1_500, expected: start + 1_500, high: oneByOne + 1_500 },
  })

  it('requests per minute: 10 s worth of requests start at once, and the last request ends the run', () => {
    const row = rowOf(totals, { ...terms, requestsPerMinute: 20 })
    expect(row).toMatchObject({ boundBy: 'requests per minute', time: last(110_000, 117_000) })
  })

  it('tokens per minute, by the charged tokens', () => {
    const row = rowOf(totals, { ...terms, requestsPerMinute: 60, tokensPerMinute: 8_000 })
    expect(row).toMatchObject({ boundBy: 'tokens per minute', time: last(110_000, 117_000) })
    expect(row.bounds).toEqual({
      'latency × max-in-flight': exactly(15_000),
      'requests per minute': last(30_000, 39_000),
      'tokens per minute': last(110_000, 117_000),
    })
  })

  it('a limit below one request in 10 s still lets one request start at once', () => {
    const slow = last(39 * 60_000, 39 * 60_000)
    expect(rowOf(totals, { ...terms, requestsPerMinute: 1 }).time).toEqual(slow)
    expect(rowOf(totals, { ...terms, tokensPerMinute: 400 }).time).toEqual(slow)
  })

  it('slow requests: the start of the last requests decides the end', () => {
    const slow = { ...pace, timeToFirstToken: { ...exactly(20_000), source: 'stated' as const } }
    const few = { ...totals, requests: 6, outputTokens: exactly(360), charged: exactly(600) }
    // 2 requests start at once, then one each 5 s: the last request starts at 20 s.
    const row = rowOf(few, { ...terms, pace: slow, maxInFlight: 10, requestsPerMinute: 12 })
    expect(row.boundBy).toBe('requests per minute')
    expect(row.time.expected).toBeCloseTo(20_000 + 20_600)
  })

  it('the requests of the last round start one after the other, as in all rounds', () => {
    const slow = { ...pace, timeToFirstToken: { ...exactly(120_000), source: 'stated' as const } }
    const some = { ...totals, requests: 20, outputTokens: exactly(0), charged: exactly(2_000) }
    const row = rowOf(some, { ...terms, pace: slow, maxInFlight: 10, requestsPerMinute: 12 })
    expect(row.boundBy).toBe('latency × max-in-flight')
    expect(row.bounds['latency × max-in-flight']).toEqual(exactly(240_000))
    // 2 requests start at once, and 8 more in 40 s. This happens twice.
    expect(row.time).toEqual({ low: 280_000, expected: 280_000, high: 285_000 })
  })

  it.each([
    // The limit has 5,000 tokens at once and 500 a second. 2 requests of 2,500 start within 1.5 s.
    // The last request waits for all others.
    [{ firstCap: 2_500, tokensPerMinute: 30_000 }, 2 * 2_500 + 38 * 400 - 5_000],
    // The cap is larger than the tokens at once: the next request waits until it is paid.
    [{ firstCap: 7_500, tokensPerMinute: 30_000 }, 7_500 + 39 * 400 - 5_000],
    // Only the requests in flight are charged the first cap.
    [{ firstCap: 1_000, tokensPerMinute: 30_000 }, 4 * 1_000 + 36 * 400 - 5_000],
    // The cap is less than the prompt.
    [{ firstCap: 100, tokensPerMinute: 30_000 }, 40 * 400 - 5_000],
  ])('tokens per minute: the first requests are charged the whole cap, %j', (row, tokens) => {
    const { firstCap, tokensPerMinute } = row
    const { bounds } = rowOf({ ...totals, firstCap }, { ...terms, tokensPerMinute })
    expect(bounds['tokens per minute']?.expected).toBeCloseTo((tokens / 500) * 1_000 + 1_500)
  })

  it('tokens per minute: from small caps after short results to large caps after long results', () => {
    const charged = { low: 8_000, expected: 16_000, high: 24_000 }
    const { bounds } = rowOf({ ...totals, charged }, { ...terms, tokensPerMinute: 30_000 })
    // 5,000 tokens at once and 500 a second. For the longer time a request of 600 goes alone.
    expect(bounds['tokens per minute']).toEqual({
      ...{ low: 6_000 + 1_500, expected: 22_000 + 1_500, high: 46_800 + 1_500 },
    })
    // The first requests are charged the first cap, or the usual charge if that is larger.
    const first = rowOf({ ...totals, charged, firstCap: 500 }, { ...terms, tokensPerMinute: 30_000 })
    expect(first.bounds['tokens per minute']).toEqual({
      ...{ low: 6_000 + 2_400 + 1_500, expected: 22_000 + 800 + 1_500, high: 46_800 + 1_500 },
    })
  })

  it.each([
    [{ requestsPerMinute: 600 }, 1],
    [{ tokensPerMinute: 60_000 }, 100],
  ])('%j: the pace of the real limiter is the shorter end', (limits, charge) => {
    const limiter = new RateLimiter(limits)
    let now = 0
    for (let i = 0; i < 500; i++) {
      now += limiter.delay(charge, now)
      limiter.start(charge, now).end(true, now)
    }
    const one = { requests: 500, charged: exactly(500 * charge), outputTokens: exactly(0) }
    const { bounds } = rowOf({ ...totals, ...one }, { ...terms, ...limits })
    const time = bounds['requests per minute'] ?? bounds['tokens per minute']
    expect(Math.abs(time!.expected - 500 - now)).toBeLessThan(200)
  })

  it('no limit makes the latency shorter', () => {
    const row = rowOf(totals, { ...terms, requestsPerMinute: 1e6, tokensPerMinute: 1e9 })
    expect(row.bounds['requests per minute']).toMatchObject({ low: 1_500, expected: 1_500 })
    expect(row).toMatchObject({ boundBy: 'latency × max-in-flight', time: { low: 15_000, expected: 15_000 } })
    expect(row.time.high).toBeCloseTo(15_000, -1)
  })
})

describe('the prompt cache', () => {
  it('begins at 1,024 tokens and goes in steps of 128', () => {
    expect([0, 1_023, 1_024, 1_151, 1_152, 5_000].map(cachedPart)).toEqual([0, 0, 1_024, 1_024, 1_152, 4_992])
  })

  it('does not help the first requests', () => {
    const row = rowOf({ ...totals, fullPrefixTokens: 1_100 }, terms)
    expect(row.cachedTokens).toBe(36 * 1_024)
    expect(rowOf({ ...totals, requests: 3, full: 3, fullPrefixTokens: 1_100 }, terms).cachedTokens).toBe(0)
  })

  it('holds more of full packs, because they begin with the same text', () => {
    const some = { ...totals, full: 30, prefixTokens: 1_030, fullPrefixTokens: 1_152 }
    expect(rowOf(some, terms).cachedTokens).toBe(Math.round((36 / 40) * (30 * 1_152 + 10 * 1_024)))
  })
})

describe('the cost', () => {
  const output = { low: 1_000, expected: 2_000, high: 3_000 }
  const big = { ...totals, inputTokens: 100_000, fullPrefixTokens: 1_100, outputTokens: output }

  it('ranges from short results with the cache to long results without the cache', () => {
    const { cost } = rowOf(big, { ...terms, pricing: { input: 10, cachedInput: 1, output: 100 } })
    const cached = 36 * 1_024
    const input = (hits: number) => ((100_000 - hits) * 10 + hits) / 1e6
    // The cache may have the prompt from the second request on.
    expect(cost?.low).toBeCloseTo(input(39 * 1_024) + 0.1)
    expect(cost?.expected).toBeCloseTo(input(cached) + 0.2)
    expect(cost?.high).toBeCloseTo(1 + 0.3)
  })

  it('uses a cheaper input price only if it is stated', () => {
    const { cost } = rowOf(big, { ...terms, pricing: { input: 10, output: 0 } })
    expect(cost).toEqual({ low: 1, expected: 1, high: 1 })
  })

  it('is unknown without prices', () => {
    expect(rowOf(big, terms).cost).toBeUndefined()
  })
})

describe('the output cap', () => {
  const results = {
    ...{ source: 'stated' as const, assumed: [], frame: 4, plain: exactly(7) },
    element: { low: 8, expected: 10, high: 14 },
  }
  const options = { model: 'm', instructions: '', schema: undefined as never }

  it('is twice the expected results and one long result, and at its ends all results are short or long', () => {
    expect(learnedCap(25, results, options)).toEqual({
      low: 2 * (25 * 8 + 8) + 32,
      expected: 2 * (25 * 10 + 14) + 32,
      high: 2 * (25 * 14 + 14) + 32,
    })
  })

  it('is never more than the stated cap or a quarter of the limit', () => {
    expect(learnedCap(25, results, { ...options, maxOutputTokens: 300 })).toEqual(exactly(300))
    expect(learnedCap(25, results, { ...options, tokensPerMinute: 1_001 })).toEqual(exactly(250))
  })
})

describe('the pace', () => {
  const options = { model: 'm', instructions: '', schema: undefined as never }
  const measured = {
    ...{ requests: 9, records: 90, outputTokensPerRecord: 12 },
    timeToFirstToken: { p10: 100, p50: 200, p90: 400 },
    outputTokensPerSecond: { p10: 50, p50: 60, p90: 70 },
  }

  it('is the pace of the simulator where nothing is known', async () => {
    const { timeToFirstToken, outputTokensPerSecond, ...rest } = paceOf(options)
    expect({
      timeToFirstToken: timeToFirstToken.expected,
      outputTokensPerSecond: outputTokensPerSecond.expected,
      ...rest,
    }).toEqual(defaultLatency)
    expect([timeToFirstToken.source, outputTokensPerSecond.source]).toEqual(['assumed', 'assumed'])
    // The simulator starts with these defaults.
    await (await startSimulator()).close()
  })

  it('is the measured pace, from the quantile 10% to the quantile 90%', () => {
    expect(paceOf({ ...options, measured })).toEqual({
      timeToFirstToken: { low: 100, expected: 200, high: 400, source: 'measured' },
      outputTokensPerSecond: { low: 50, expected: 60, high: 70, source: 'measured' },
      promptTokensPerSecond: undefined,
      slowdown: 0,
    })
  })

  it('is the stated pace rather than the measured pace', () => {
    const latency = { timeToFirstToken: { low: 0, high: 10 }, slowdown: 0.5, promptTokensPerSecond: 7 }
    expect(paceOf({ ...options, measured, latency })).toMatchObject({
      timeToFirstToken: { low: 0, expected: 5, high: 10, source: 'stated' },
      outputTokensPerSecond: { expected: 60, source: 'measured' },
      ...{ promptTokensPerSecond: 7, slowdown: 0.5 },
    })
  })

  it.each([
    [
      { timeToFirstToken: -1 },
      'Expected `latency.timeToFirstToken` to be a number of at least 0, or two from low to high, got -1 (number)',
    ],
    [
      { outputTokensPerSecond: 0 },
      'Expected `latency.outputTokensPerSecond` to be a number above 0, or two from low to high, got 0 (number)',
    ],
    [
      { outputTokensPerSecond: { low: 9, high: 3 } },
      'Expected `latency.outputTokensPerSecond` to be a number above 0, or two from low to high, got 9 to 3',
    ],
    [
      { promptTokensPerSecond: NaN },
      'Expected `latency.promptTokensPerSecond` to be a number above 0, got NaN (number)',
    ],
    [
      { slowdown: Infinity },
      'Expected `latency.slowdown` to be a number of at least 0, got Infinity (number)',
    ],
  ])('refuses %o', (latency, message) => {
    const option = `latency.${Object.keys(latency)[0]}`
    expect(() => paceOf({ ...options, latency })).toThrow(
      expect.objectContaining({ name: 'RangeError', message, option }),
    )
  })

  it('accepts a number for both ends', () => {
    expect(rangeOf('x', 3)).toEqual(exactly(3))
  })
})

describe('the choice', () => {
  const row = (size: number, time: number, cost?: number): PlanRow => ({
    ...rowOf({ ...totals, size }, terms),
    time: exactly(time),
    cost: cost === undefined ? undefined : exactly(cost),
  })

  it('is the smallest size near to both the least cost and the least time', () => {
    const rows = [row(1, 200, 5), row(2, 106, 1), row(3, 105, 1.06), row(4, 104, 1.05), row(5, 100, 1)]
    expect(choose(rows)).toMatchObject({
      isNear: true,
      row: { size: 4 },
      cheapest: { size: 2 },
      fastest: { size: 5 },
    })
  })

  it('depends only on time without prices', () => {
    expect(choose([row(1, 200), row(2, 104), row(3, 100)])).toMatchObject({
      row: { size: 2 },
      cheapest: undefined,
    })
  })

  it('is the size nearest to both where no size is near', () => {
    const rows = [row(1, 100, 2), row(2, 120, 1.1), row(3, 200, 1)]
    expect(choose(rows)).toMatchObject({ isNear: false, row: { size: 2 } })
  })

  it('accepts a cost and a time of 0', () => {
    expect(choose([row(1, 0, 0), row(2, 0, 0)])).toMatchObject({ isNear: true, row: { size: 1 } })
  })
})
