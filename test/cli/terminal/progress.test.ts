import fc from 'fast-check'
import stringWidth from 'string-width'
import { describe, expect, test } from 'vitest'
import { progressLine, type Snapshot } from '../../../src/cli/terminal/progress-line.ts'
import { clock } from '../../../src/cli/terminal/words.ts'

const stats = (fulfilled: number, rejected = 0, cost?: number): Snapshot['stats'] => ({
  records: { read: 2_000, fulfilled, rejected, unsettled: 0 },
  ...{ packs: 1, retries: 0, requests: 1, rateLimited: 0, inFlight: 4, waiting: undefined, cost },
  elements: { invalid: 0, repeated: 0, unknown: 0, missing: 0 },
  answers: { wrapped: 0, strayIds: 0 },
  tokens: {
    input: 10_000,
    cached: 0,
    output: 2_345,
    reasoning: 0,
    estimated: 0,
    used: 0,
    wasted: {} as never,
  },
  cache: { hits: 0, shared: 0, failures: 0 },
})
const base: Snapshot = {
  before: 0,
  stats: stats(1_000),
  read: 1_200,
  share: undefined,
  limit: Infinity,
  perSecond: 100,
  pause: undefined,
}

describe('the progress line', () => {
  test.each<[string, Partial<Snapshot>, string]>([
    ['of an input without end', {}, '1,000 records  100/s  4 in flight  12,345 tokens'],
    [
      'by the share that has been read, until all has been',
      { share: 0.3 },
      '█████░░░░░░░░░░░░░░░  1,000 of ~4,000  25%  100/s  ETA 0:30  4 in flight  12,345 tokens',
    ],
    [
      'by records, after that',
      { read: 1_500, share: 1 },
      '█████████████░░░░░░░  1,000 of 1,500  66%  100/s  ETA 0:05  4 in flight  12,345 tokens',
    ],
    [
      'with what earlier runs did, which counts too',
      { before: 8_000, read: 9_500, share: 0.95 },
      '██████████████████░░  9,000 of ~10,000  90%  100/s  ETA 0:10  4 in flight  12,345 tokens',
    ],
    [
      'by the limit, where that is less',
      { share: 0.01, limit: 1_250 },
      '████████████████░░░░  1,000 of 1,250  80%  100/s  ETA 0:03  4 in flight  12,345 tokens',
    ],
    [
      'with money and rejected ones',
      { stats: stats(45, 5, 0.01234), perSecond: 5 },
      '50 records  5.0/s  5 rejected  $0.0123  4 in flight  12,345 tokens',
    ],
    [
      'before anything was asked',
      { stats: stats(0), perSecond: 0, read: 0, share: 0 },
      '0 records  0.0/s  4 in flight  12,345 tokens',
    ],
  ])('%s', (_, change, line) => {
    expect(progressLine({ ...base, ...change }, 200)).toBe(line)
  })

  test('leaves out whole parts on a narrow terminal, the bar first', () => {
    const at = (columns: number) => progressLine({ ...base, share: 0.3 }, columns)
    expect(at(88)).toMatch(/^█.*tokens$/)
    expect(at(87)).toBe('1,000 of ~4,000  25%  100/s  ETA 0:30  4 in flight  12,345 tokens')
    expect(at(50)).toBe('1,000 of ~4,000  25%  100/s  ETA 0:30')
    expect(at(16)).toBe('1,000 of ~4,000')
    expect(at(15)).toBe('')
    for (let columns = 20; columns < 120; columns += 1) expect(at(columns).length).toBeLessThan(columns)
  })
})

test.each([
  [0, '0:00'],
  [0.2, '0:01'],
  [75, '1:15'],
  [3_600, '1:00:00'],
  [360_000, '100:00:00'],
])('%d s is %s', (seconds, text) => {
  expect(clock(seconds)).toBe(text)
})

test('a pause comes first, with its reason if there is room, and without a time that is left', () => {
  const pause = {
    ...{ short: 'rate limited until 12:31', long: 'rate limited until 12:31, the server says 429' },
    isLong: true,
  }
  const at = (columns: number) => progressLine({ ...base, share: 0.3, pause }, columns)
  expect(at(120)).toBe(
    '█████░░░░░░░░░░░░░░░  rate limited until 12:31, the server says 429  1,000 of ~4,000  25%  4 in flight  12,345 tokens',
  )
  expect(at(63)).toBe('rate limited until 12:31, the server says 429  1,000 of ~4,000')
  expect(at(60)).toBe('rate limited until 12:31  1,000 of ~4,000  25%  4 in flight')
  expect(at(40)).toBe('rate limited until 12:31')
})

test('is one line at any width, in any state', () => {
  const count = fc.nat(10_000_000)
  const pause = fc.option(
    fc.record({
      short: fc.constantFrom(
        'rate limited until 2026-12-01 12:31',
        'server down for 119 min',
        'rate limited',
      ),
      long: fc.constantFrom(`server down for 3 h: ${'x'.repeat(64)}`, 'rate limited, the server says 429 no'),
      isLong: fc.boolean(),
    }),
    { nil: undefined },
  )
  fc.assert(
    fc.property(
      fc.integer({ min: 40, max: 200 }),
      fc.tuple(count, count, count, count),
      fc.option(fc.double({ min: 1e-3, max: 1, noNaN: true }), { nil: undefined }),
      fc.double({ min: 1e-3, max: 1e5, noNaN: true }),
      pause,
      fc.option(fc.double({ min: 0, max: 1e4, noNaN: true }), { nil: undefined }),
      (columns, [before, fulfilled, rejected, more], share, perSecond, pausing, cost) => {
        const seen = {
          ...{ ...base, before, share, perSecond, pause: pausing },
          ...{ stats: stats(fulfilled, rejected, cost), read: before + fulfilled + rejected + more },
        }
        const line = progressLine(seen, columns)
        expect(stringWidth(line)).toBeLessThan(columns)
        expect(line).not.toMatch(/[\x00-\x1f]/)
        // No part is cut.
        const parts = progressLine(seen, 10_000).split('  ')
        expect(line).not.toBe('')
        const short = pausing ? [pausing.short] : []
        for (const part of line.split('  ')) if (part !== '') expect([...parts, ...short]).toContain(part)
      },
    ),
  )
})
