import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { progressLine, type Snapshot } from '../../../src/cli/terminal/progress.ts'
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
  elapsed: 10_000,
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
      'with what earlier runs did, which counts for no rate',
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
      { stats: stats(45, 5, 0.01234) },
      '50 records  5.0/s  5 rejected  $0.0123  4 in flight  12,345 tokens',
    ],
    [
      'before anything was asked',
      { stats: stats(0), elapsed: 0, read: 0, share: 0 },
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
    expect(at(5)).toBe('1,000 of ~4,000')
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

describe('a pause', () => {
  const at = (waiting: Partial<Snapshot['stats']['waiting']>, inFlight = 0): string =>
    progressLine(
      {
        ...base,
        stats: {
          ...stats(1_000),
          inFlight,
          waiting: { for: 'rate_limit', until: Date.now() + 75_000, said: undefined, ...waiting },
        },
      },
      200,
    )

  test('is shown with its length and its reason, while no request runs', () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    expect(at({})).toContain('  waits 1:15 for the rate limit  0 in flight')
    expect(at({ for: 'server', until: Date.now() + 900 })).toContain('  waits 0:01 for the server')
    expect(at({ until: Date.now() - 5 })).toContain('  waits 0:00 for the rate limit')
    expect(at({}, 1)).not.toContain('waits')
  })
})
