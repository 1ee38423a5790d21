import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Histogram } from '../../../src/cli/measure/histogram.ts'
import { Meter, type Measured, type MeasuredRequest } from '../../../src/cli/measure/meter.ts'

const request: MeasuredRequest = { duration: 1_200, firstToken: 200, output: 101, records: 10 }

function measure(requests: readonly MeasuredRequest[]): Measured | undefined {
  const meter = new Meter()
  for (const one of requests) meter.add(one)
  return meter.measured
}

describe('the measurements of a run', () => {
  it('match a calculation by hand', () => {
    // The first token comes after 200 ms. The other 100 tokens take 1 s.
    expect(measure([request])).toEqual({
      ...{ requests: 1, records: 10, outputTokensPerRecord: 10.1 },
      timeToFirstToken: { p10: 200, p50: 200, p90: 200 },
      outputTokensPerSecond: { p10: 100, p50: 100, p90: 100 },
    })
  })

  it('keep the quantiles 10%, 50% and 90%', () => {
    const requests = Array.from({ length: 100 }, (_, i) => ({
      ...request,
      firstToken: 100 + i,
      duration: 1_100 + i,
    }))
    const measured = measure(requests)
    expect(measured?.timeToFirstToken.p10).toBeCloseTo(109, -0.5)
    expect(measured?.timeToFirstToken.p50).toBeCloseTo(149, -0.5)
    expect(measured?.timeToFirstToken.p90).toBeCloseTo(189, -0.5)
  })

  it('have the first token of each request, also of a request that settled nothing', () => {
    const failed = { ...request, firstToken: 900, records: 0 }
    const { requests, timeToFirstToken } = measure([request, failed])!
    expect(requests).toBe(1)
    expect(timeToFirstToken.p50).toBeCloseTo(200, -1)
    expect(timeToFirstToken.p90).toBeCloseTo(900, -1)
  })

  it('leave out requests without usable figures', () => {
    const useless: MeasuredRequest[] = [
      { ...request, firstToken: undefined },
      { ...request, output: undefined },
      { ...request, output: 0 },
      { ...request, records: 0 },
    ]
    expect(measure(useless)).toBeUndefined()
    expect(measure([...useless, request])).toEqual(measure([request]))
  })

  it('have no rate of answers that came in one piece', () => {
    expect(measure([{ ...request, duration: 200 }])).toBeUndefined()
    expect(measure([{ ...request, output: 1 }])).toBeUndefined()
  })

  it('survive JSON', () => {
    expect(JSON.parse(JSON.stringify(measure([request])))).toEqual(measure([request]))
  })
})

describe('the histogram', () => {
  it('is accurate to 1%', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 1e8, noNaN: true }), { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.1, 0.5, 0.9, 1),
        (values, share) => {
          const histogram = new Histogram()
          for (const value of values) histogram.add(value)
          const exact = values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(share * values.length)) - 1]!
          expect(Math.abs(histogram.quantile(share) / exact - 1)).toBeLessThan(0.01)
        },
      ),
    )
  })

  it('counts values beyond its range at its ends', () => {
    const histogram = new Histogram()
    for (const value of [1e-9, 1e12]) histogram.add(value)
    expect(histogram.quantile(0.5)).toBeLessThan(0.0011)
    expect(histogram.quantile(1)).toBeGreaterThan(0.9e9)
    expect(histogram.count).toBe(2)
  })

  it('gives each value one of few ranges', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 1e8, noNaN: true }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 40 }),
        (values, most) => {
          const histogram = new Histogram()
          for (const value of values) histogram.add(value)
          const ranges = histogram.ranges(most)
          expect(ranges.length).toBeLessThanOrEqual(most)
          expect(ranges.reduce((sum, [, , count]) => sum + count, 0)).toBe(values.length)
          for (const [i, [from, to]] of ranges.entries()) {
            expect(to).toBeGreaterThan(from)
            if (i > 0) expect(from).toBe(ranges[i - 1]?.[1])
          }
        },
      ),
    )
  })
})
