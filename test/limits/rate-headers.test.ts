import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  parseDuration,
  readRateLimits,
  readRetryAfter,
  type AnyHeaders,
} from '../../src/limits/rate-headers.ts'
import { formatDuration } from '../../src/simulator/limits.ts'

describe('the pause that a server asks for', () => {
  const DATE = 'Wed, 21 Oct 2026 07:28:00 GMT'

  it.each<[Record<string, string>, number | undefined]>([
    [{}, undefined],
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': 2 as unknown as string }, 2_000],
    [{ 'retry-after': '1.5' }, 1_500],
    [{ 'retry-after': ' 2 ' }, 2_000],
    [{ 'retry-after': '90' }, 90_000],
    [{ 'retry-after': '3s' }, 3_000],
    [{ 'retry-after': '1m30s' }, 90_000],
    [{ 'retry-after': '86400' }, 86_400_000],
    [{ 'retry-after-ms': '250' }, 250],
    [{ 'retry-after-ms': '250', 'retry-after': '7' }, 250],
    [{ 'retry-after-ms': 'soon', 'retry-after': '2' }, 2_000],
    [{ 'retry-after': '0' }, undefined],
    [{ 'retry-after': '-1' }, undefined],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '' }, undefined],
    // A wait for such a time would never end.
    [{ 'retry-after': 'Infinity' }, undefined],
    // A date is useful only together with the server's own date.
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:34:00 GMT' }, undefined],
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:34:00 GMT', date: DATE }, 360_000],
    [{ 'retry-after': DATE, date: DATE }, undefined],
  ])('%j: %s ms', (headers, expected) => {
    expect(readRetryAfter(headers)).toBe(expected)
    expect(readRetryAfter(new Headers(headers))).toBe(expected)
  })

  it.each<[string, unknown]>([
    ['no headers', undefined],
    ['null', null],
    ['a string', 'retry-after: 2'],
  ])('with %s there is no pause', (_name, headers) => {
    expect(readRetryAfter(headers as AnyHeaders)).toBeUndefined()
  })

  // A client with its own `fetch` passes the Headers of node-fetch or of the undici package.
  it("is read from another library's Headers, and from a plain object with names in any case", () => {
    const foreign = { get: (name: string) => (name.toLowerCase() === 'retry-after' ? '2' : null) }
    expect(readRetryAfter(foreign)).toBe(2_000)
    expect(readRetryAfter({ 'Retry-After': '2' })).toBe(2_000)
  })
})

describe('durations', () => {
  it.each<[string, number | undefined]>([
    ['1s', 1_000],
    ['6m0s', 360_000],
    ['120ms', 120],
    ['8.64s', 8_640],
    ['1h0m0s', 3_600_000],
    ['2m59.56s', 179_560],
    ['2d3h', 183_600_000],
    ['500us', 0.5],
    ['500µs', 0.5],
    ['1000000ns', 1],
    ['0s', 0],
    ['0', 0],
    ['2', 2_000],
    ['1.5', 1_500],
    [' 6m0s ', 360_000],
    ['', undefined],
    ['s', undefined],
    ['-1s', undefined],
    ['-1', undefined],
    ['1s later', undefined],
    ['1 s', undefined],
    ['1s2', undefined],
    ['1.s', undefined],
    ['1e3', undefined],
    ['1w', undefined],
    ['Infinity', undefined],
    ['constructor', undefined],
    ['9'.repeat(400), undefined],
    [`${'9'.repeat(400)}s`, undefined],
    ['2026-10-21T07:28:00Z', undefined],
  ])('%s: %s ms', (text, expected) => {
    if (expected === undefined) expect(parseDuration(text)).toBeUndefined()
    else expect(parseDuration(text)).toBeCloseTo(expected, 6)
  })

  it('reads what the simulator writes', () => {
    fc.assert(
      fc.property(fc.nat(200_000_000), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBeCloseTo(ms, 6)
      }),
    )
  })

  it('returns a time from 0 or undefined for any text', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('1', '9.5', '.', 's', 'ms', 'm', 'h', 'd', 'µs', '-', ' '),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const ms = parseDuration(pieces.join(''))
        expect(ms === undefined || (ms >= 0 && ms < Infinity)).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  // A pattern that backtracks would need longer than a test may take.
  it('reads a very long text in linear time', () => {
    expect(parseDuration(`${'1'.repeat(100_000)}x`)).toBeUndefined()
    expect(parseDuration(`${'1s'.repeat(100_000)}x`)).toBeUndefined()
  })
})

describe('reported rate limits', () => {
  const headers = (
    kind: string,
    limit?: string,
    remaining?: string,
    reset?: string,
  ): Record<string, string> =>
    Object.fromEntries(
      Object.entries({ limit, remaining, reset }).flatMap(([name, value]) =>
        value === undefined ? [] : [[`x-ratelimit-${name}-${kind}`, value]],
      ),
    )

  it('are read for every kind, from Headers and from a plain object', () => {
    const all = {
      ...headers('requests', '60', '59', '1s'),
      ...headers('tokens', '150000', '149984', '6m0s'),
      ...headers('project-tokens', '1000000', '0', '1h0m0s'),
    }
    const expected = [
      { kind: 'requests', limit: 60, remaining: 59, reset: 1_000 },
      { kind: 'tokens', limit: 150_000, remaining: 149_984, reset: 360_000 },
      { kind: 'project-tokens', limit: 1_000_000, remaining: 0, reset: 3_600_000 },
    ]
    expect(readRateLimits(all)).toEqual(expected)
    expect(readRateLimits(new Headers(all))).toEqual(expected)
    const loud = Object.fromEntries(Object.entries(all).map(([name, value]) => [name.toUpperCase(), value]))
    expect(readRateLimits(loud)).toEqual(expected)
  })

  it.each(['-1', 'many', '', 'NaN', 'Infinity', undefined])(
    'are empty where the remaining amount is %j',
    (remaining) => {
      expect(readRateLimits(headers('requests', '60', remaining, '1s'))).toEqual([])
    },
  )

  it.each([undefined, '', '0', '-1', 'none', 'Infinity'])('a limit of %j is not known', (limit) => {
    expect(readRateLimits(headers('tokens', limit, '5', '1s'))).toEqual([
      { kind: 'tokens', limit: undefined, remaining: 5, reset: 1_000 },
    ])
  })

  // The last value is a date in seconds. Some gateways write this.
  it.each([undefined, '', 'soon', '1792567680'])('a reset of %j is not known', (reset) => {
    expect(readRateLimits(headers('tokens', '10', '5', reset))).toEqual([
      { kind: 'tokens', limit: 10, remaining: 5, reset: undefined },
    ])
  })

  it('may have separators of thousands, but a list is no number', () => {
    expect(readRateLimits(headers('tokens', '1,200,000', '12,345', '1s'))).toEqual([
      { kind: 'tokens', limit: 1_200_000, remaining: 12_345, reset: 1_000 },
    ])
    // Two headers of the same name.
    expect(readRateLimits(headers('tokens', '100, 100', '100, 99', '1s'))).toEqual([])
    expect(readRateLimits(headers('tokens', '10', '1,23', '1s'))).toEqual([])
  })

  it("are read from Claude's headers, whose reset is a date of the server's clock", () => {
    const claude = {
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '49',
      'anthropic-ratelimit-requests-reset': '2026-10-21T07:28:02Z',
      'anthropic-ratelimit-tokens-limit': '40000',
      'anthropic-ratelimit-tokens-remaining': '39000',
      'anthropic-ratelimit-tokens-reset': '2026-10-21T07:27:00Z',
    }
    const date = 'Wed, 21 Oct 2026 07:28:00 GMT'
    expect(readRateLimits({ ...claude, date })).toEqual([
      { kind: 'requests', limit: 50, remaining: 49, reset: 2_000 },
      { kind: 'tokens', limit: 40_000, remaining: 39_000, reset: undefined },
    ])
    // Without the server's own date, a date says nothing.
    expect(readRateLimits(claude).map(({ reset }) => reset)).toEqual([undefined, undefined])
  })

  it('are empty without headers', () => {
    expect(readRateLimits(undefined)).toEqual([])
    expect(readRateLimits({})).toEqual([])
  })
})
