import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { RateLimiter, type Permit, type RateLimiterOptions } from '../../src/limits/rate-limiter.ts'
import { runs } from '../helpers/properties.ts'

const MINUTE = 60_000
const DAY = 86_400_000

const headers = (kind: string, limit: number, remaining: number, reset?: string): Record<string, string> => ({
  [`x-ratelimit-limit-${kind}`]: String(limit),
  [`x-ratelimit-remaining-${kind}`]: String(remaining),
  ...(reset === undefined ? {} : { [`x-ratelimit-reset-${kind}`]: reset }),
})

/** Starts requests until the limiter allows no more; returns their number. */
function startAll(limiter: RateLimiter, tokens: number, now: number): number {
  let started = 0
  while (started < 10_000 && limiter.delay(tokens, now) === 0) {
    limiter.start(tokens, now)
    started += 1
  }
  return started
}

/** A limiter whose pauses are exactly as long as the table says. */
const unhurried = (options: RateLimiterOptions = {}): RateLimiter => new RateLimiter(options, () => 0)

describe('options', () => {
  it.each<[unknown, typeof TypeError | typeof RangeError, string]>([
    [
      { requestsPerMinute: '60' },
      TypeError,
      "Expected `requestsPerMinute` to be a number above 0, got '60' (string)",
    ],
    [{ requestsPerMinute: null }, TypeError, 'Expected `requestsPerMinute` to be a number above 0, got null'],
    [
      { requestsPerMinute: 5n },
      TypeError,
      'Expected `requestsPerMinute` to be a number above 0, got 5 (bigint)',
    ],
    [
      { tokensPerMinute: { a: 1 } },
      TypeError,
      'Expected `tokensPerMinute` to be a number above 0, got object',
    ],
    [{ tokensPerMinute: 0 }, RangeError, 'Expected `tokensPerMinute` to be a number above 0, got 0 (number)'],
    [
      { tokensPerMinute: -1 },
      RangeError,
      'Expected `tokensPerMinute` to be a number above 0, got -1 (number)',
    ],
    [
      { tokensPerMinute: NaN },
      RangeError,
      'Expected `tokensPerMinute` to be a number above 0, got NaN (number)',
    ],
    [{ requestsPerMinute: Infinity }, RangeError, '`requestsPerMinute` to be a number above 0, got Infinity'],
    [{ requestsPerSecond: 1 }, TypeError, 'There is no option `requestsPerSecond`'],
    [{ constructor: 1 }, TypeError, 'There is no option `constructor`'],
    [null, TypeError, 'Expected `options` to be an object, got null'],
    [60, TypeError, 'Expected `options` to be an object, got 60 (number)'],
    [[60], TypeError, 'Expected `options` to be an object, got array'],
  ])('%o: %o, %s', (options, kind, message) => {
    const make = (): RateLimiter => new RateLimiter(options as RateLimiterOptions)
    expect(make).toThrow(kind)
    expect(make).toThrow(message)
  })

  it('are all optional, and without options the limiter delays no request', () => {
    for (const options of [undefined, {}, { requestsPerMinute: undefined }]) {
      const limiter = new RateLimiter(options)
      expect(limiter.largestRequest).toBe(Infinity)
      expect(startAll(limiter, 1e9, 0)).toBe(10_000)
    }
  })
})

describe('configured limits', () => {
  it('allow 10 s worth at once, and the rest as they refill', () => {
    const limiter = new RateLimiter({ requestsPerMinute: 60 })
    expect(startAll(limiter, 1, 5)).toBe(10)
    expect(limiter.delay(1, 5)).toBe(1_000)
    expect(limiter.delay(1, 1_004)).toBe(1)
    expect(startAll(limiter, 1, 1_005)).toBe(1)
    // The bucket holds 10 s worth also after a long time without requests.
    expect(startAll(limiter, 1, DAY)).toBe(10)
  })

  it('must both allow a request: tokens and requests', () => {
    const limiter = new RateLimiter({ requestsPerMinute: 60, tokensPerMinute: 6_000 })
    limiter.start(900, 0)
    expect(limiter.delay(100, 0)).toBe(0)
    expect(limiter.delay(300, 0)).toBe(2_000)
    for (let i = 0; i < 9; i++) limiter.start(0, 0)
    expect(limiter.delay(100, 0)).toBe(1_000)
  })

  it('start a request that is larger than the bucket when it is full, and charge all of it', () => {
    const limiter = new RateLimiter({ tokensPerMinute: 6_000 })
    expect(limiter.delay(3_000, 0)).toBe(0)
    limiter.start(3_000, 0)
    expect(limiter.delay(100, 0)).toBe(21_000)
    expect(limiter.delay(3_000, 0)).toBe(30_000)
    expect(limiter.delay(3_000, 30_000)).toBe(0)
  })

  it('start requests one by one if 10 s worth are less than one request', () => {
    const limiter = new RateLimiter({ requestsPerMinute: 3 })
    expect(startAll(limiter, 1, 0)).toBe(1)
    expect(limiter.delay(1, 0)).toBe(20_000)
    expect(startAll(limiter, 1, 20_000)).toBe(1)
    expect(limiter.delay(1, 20_000)).toBe(20_000)
  })

  const limit = fc.integer({ min: 1, max: 1_000_000 })
  const clock = fc.constantFrom(0, 12_345.678, 1.8e12 + 0.3)

  it('start in every window at most the refill of that window and 10 s worth', () => {
    const step = fc.record({ share: fc.double({ min: 0.001, max: 1, noNaN: true }), pause: fc.nat(5_000) })
    fc.assert(
      fc.property(
        limit,
        clock,
        fc.array(step, { minLength: 1, maxLength: 60 }),
        (perMinute, start, steps) => {
          const limiter = new RateLimiter({ tokensPerMinute: perMinute })
          const started: { at: number; tokens: number }[] = []
          let now = start
          for (const { share, pause } of steps) {
            const tokens = (share * perMinute) / 6
            // Streams are sometimes early and sometimes late, because they have other work.
            now += pause % 3 === 0 ? pause : 0
            now += limiter.delay(tokens, now)
            expect(limiter.delay(tokens, now)).toBe(0)
            limiter.start(tokens, now).end(true, 0)
            started.push({ at: now, tokens })
          }
          for (let first = 0; first < started.length; first++) {
            let total = 0
            for (const { at, tokens } of started.slice(first)) {
              total += tokens
              const allowed = (perMinute / MINUTE) * (at - started[first]!.at + 10_000)
              expect(total).toBeLessThanOrEqual(allowed * (1 + 1e-5))
            }
          }
        },
      ),
      { numRuns: runs(300) },
    )
  })

  it.each(['requestsPerMinute', 'tokensPerMinute'] as const)(
    'are used to at least 99% when requests always wait: %s',
    (name) => {
      // From 1% to 500% of the tokens that may start at once.
      const shares = fc.array(fc.double({ min: 0.01, max: 5, noNaN: true }), { minLength: 1, maxLength: 10 })
      fc.assert(
        fc.property(limit, clock, shares, (perMinute, start, list) => {
          const limiter = new RateLimiter({ [name]: perMinute })
          const until = start + 10 * MINUTE
          let used = 0
          let now = start
          let count = 0
          while (count < 2_000) {
            const tokens = (list[count % list.length]! * perMinute) / 6
            const wait = limiter.delay(tokens, now)
            if (now + wait > until) break
            now += wait
            limiter.start(tokens, now).end(true, 0)
            used += name === 'requestsPerMinute' ? 1 : tokens
            count += 1
          }
          const time = count < 2_000 ? until - start : now - start
          expect(used).toBeGreaterThanOrEqual(0.99 * (perMinute / MINUTE) * time)
        }),
        { numRuns: runs(200) },
      )
    },
  )
})

describe('turns', () => {
  /**
   * Lets two streams ask for an hour; the first stream always asks first. Returns the number of
   * requests that each stream started.
   */
  function share(limiter: RateLimiter, tokens: [number, number]): [number, number] {
    const started: [number, number] = [0, 0]
    const listeners = [() => undefined, () => undefined]
    for (let now = 0; now < 60 * MINUTE; now += 100) {
      for (const stream of [0, 1] as const) {
        if (limiter.delay(tokens[stream], now, listeners[stream]) > 0) continue
        limiter.start(tokens[stream], now, listeners[stream]).end(true, 0)
        started[stream] += 1
      }
    }
    return started
  }

  it('a stream that always asks first gets no more than the other', () => {
    const [first, second] = share(new RateLimiter({ requestsPerMinute: 60 }), [1, 1])
    expect(first + second).toBeGreaterThanOrEqual(3_600)
    expect(Math.abs(first - second)).toBeLessThan(20)
  })

  it.each([1_000, 3_000])('a stream that wants 10 tokens does not block a stream that wants %i', (large) => {
    const [small, big] = share(new RateLimiter({ tokensPerMinute: 6_000 }), [10, large])
    expect(big).toBeGreaterThan((0.95 * 60 * 6_000) / (large + 10))
    expect(10 * small + large * big).toBeGreaterThan(0.99 * 60 * 6_000)
  })

  it('a free slot goes to the listeners in turn', () => {
    const limiter = unhurried()
    for (const permit of [limiter.start(1, 0), limiter.start(1, 0)])
      permit.rateLimited({ 'retry-after': '1' }, 0)
    const names: string[] = []
    let running = limiter.start(1, 1_000)
    const wait = (name: string): void => {
      const listener = (): void => {
        if (limiter.delay(1, 1_000, listener) === 0) {
          running = limiter.start(1, 1_000, listener)
          names.push(name)
          expect(limiter.delay(1, 1_000, listener)).toBe(Infinity)
        }
        limiter.whenFree(listener)
      }
      listener()
    }
    for (const name of ['a', 'b', 'c']) wait(name)
    for (let i = 0; i < 5; i++) running.end(false, 0)
    expect(names.join('')).toBe('abcab')
  })

  it('a listener that was forgotten leaves its turn to the listeners behind it', () => {
    const limiter = new RateLimiter({ requestsPerMinute: 60 })
    startAll(limiter, 1, 0)
    const [first, second] = [vi.fn<() => void>(), vi.fn<() => void>()]
    expect(limiter.delay(1, 0, first)).toBe(1_000)
    expect(limiter.delay(1, 0, second)).toBe(2_000)
    expect(limiter.delay(1, 0, first)).toBe(1_000)
    limiter.whenFree(second)
    limiter.forget(first)
    expect(first).not.toHaveBeenCalled()
    expect(second).toHaveBeenCalledTimes(1)
    expect(limiter.delay(1, 0, second)).toBe(1_000)
  })

  it.each<[number, tokens: number, wait: number, until: number]>([
    [1, 3_000, 31_000, 11_001],
    [20, 100, 21_000, 21_000],
  ])('listeners that do not come in time lose their turn: %i of %i tokens', (count, tokens, wait, until) => {
    const limiter = new RateLimiter({ tokensPerMinute: 6_000 })
    limiter.start(1_000, 0)
    for (let i = 0; i < count; i++) limiter.delay(tokens, 0, () => undefined)
    const listener = (): void => undefined
    expect(limiter.delay(100, 0, listener)).toBe(wait)
    expect(limiter.delay(100, until, listener)).toBe(0)
  })

  it('a listener that waits for an end and does not come loses its turn at once', () => {
    const limiter = unhurried({ tokensPerMinute: 6_000 })
    const permits = [limiter.start(500, 0), limiter.start(500, 0)]
    permits[0]!.rateLimited({ 'retry-after': '1' }, 0)
    expect(limiter.delay(500, 1_000, () => undefined)).toBe(Infinity)
    permits[1]!.end(false, 0)
    expect(limiter.delay(100, 1_000, () => undefined)).toBe(0)
  })
})

describe('reported limits', () => {
  it('hold from the first report, and refill as the report says', () => {
    const limiter = new RateLimiter()
    limiter.start(100, 0).report(headers('requests', 60, 2, '58s'), 1_000)
    expect(startAll(limiter, 100, 1_000)).toBe(2)
    expect(limiter.delay(100, 1_000)).toBe(1_000)
    expect(startAll(limiter, 100, 11_000)).toBe(10)
  })

  it('hold together with configured limits', () => {
    const limiter = new RateLimiter({ requestsPerMinute: 600 })
    limiter.start(1, 0).report(headers('requests', 60, 5, '55s'), 0)
    expect(startAll(limiter, 1, 0)).toBe(5)
    const strict = new RateLimiter({ requestsPerMinute: 12 })
    strict.start(1, 0).report(headers('requests', 60, 5, '55s'), 0)
    expect(startAll(strict, 1, 0)).toBe(1)
  })

  it('subtract the requests that started after the reporting request', () => {
    const limiter = new RateLimiter()
    limiter.start(100, 0)
    const reporter = limiter.start(100, 0)
    for (let i = 0; i < 3; i++) limiter.start(200, 0)
    reporter.report({ ...headers('requests', 60, 10), ...headers('tokens', 6_000, 1_000) }, 500)
    expect(limiter.delay(400, 500)).toBe(0)
    expect(limiter.delay(401, 500)).toBe(10)
    expect(startAll(limiter, 0, 500)).toBe(7)
  })

  it('follow the use by other processes', () => {
    const limiter = new RateLimiter()
    limiter.start(1, 0).report(headers('requests', 60, 50, '10s'), 0)
    // The other processes have taken 40 in between.
    limiter.start(1, 1_000).report(headers('requests', 60, 10, '50s'), 1_000)
    expect(startAll(limiter, 1, 1_000)).toBe(10)
    expect(limiter.delay(1, 1_000)).toBe(1_000)
    // Now the other processes have stopped.
    limiter.start(1, 2_000).report(headers('requests', 60, 59, '1s'), 2_000)
    expect(startAll(limiter, 1, 2_000)).toBe(59)
  })

  it('ignore a late report of an earlier request', () => {
    const limiter = new RateLimiter()
    const slow = limiter.start(1, 0)
    limiter.start(1, 0).report(headers('requests', 60, 58, '2s'), 1_000)
    slow.report(headers('requests', 60, 59, '1s'), 30_000)
    expect(startAll(limiter, 1, 30_000)).toBe(60)
  })

  it('refill over a day if they are per day', () => {
    const limiter = new RateLimiter()
    limiter.start(1, 0).report(headers('requests', 10_000, 9_999, '8.64s'), 0)
    expect(startAll(limiter, 1, 0)).toBe(9_999)
    expect(limiter.delay(1, 0)).toBe(8_640)
    const late = new RateLimiter()
    late.start(1, 0).report(headers('requests', 200, 0, '24h0m0s'), 0)
    expect(late.delay(1, 0)).toBe(DAY / 200)
  })

  it.each<[string, number, string | undefined]>([
    ['without a reset', 10, undefined],
    ['with a reset of 0', 10, '0s'],
    ['that are full', 60, '0s'],
    // 59.99 are left, rounded down. The quotient alone would suggest 100 requests per second.
    ['rounded down', 59, '10ms'],
    ['of which almost nothing was used', 59, '1s'],
  ])('%s refill by the minute', (_name, remaining, reset) => {
    const limiter = new RateLimiter()
    limiter.start(1, 0).report(headers('requests', 60, remaining, reset), 0)
    expect(startAll(limiter, 1, 0)).toBe(remaining)
    expect(limiter.delay(1, 0)).toBe(1_000)
  })

  it.each<[limit: number, remaining: number, reset: string, wait: number]>([
    // All used requests except one were certainly used, and come back within the reset.
    [10, 0, '1s', 1_000 / 9],
    [5, 0, '1s', 1_000 / 4],
    [600, 0, '1s', 1_000 / 599],
    [60, 1, '1s', 1_000 / 58],
    [10, 0, '10s', 10_000 / 9],
    // The limiter assumes a limit per minute if the report proves no faster refill.
    [2, 1, '1s', 30_000],
  ])(
    'of %i with %i left and a reset of %s allow one more request after %f ms',
    (limit, remaining, reset, wait) => {
      const limiter = new RateLimiter()
      limiter.start(1, 0).report(headers('requests', limit, remaining, reset), 0)
      expect(startAll(limiter, 1, 0)).toBe(remaining)
      expect(limiter.delay(1, 0)).toBe(Math.ceil(wait))
      expect(limiter.delay(1, Math.ceil(wait))).toBe(0)
    },
  )

  it('say nothing if the size of the limit is missing', () => {
    const limiter = new RateLimiter()
    limiter
      .start(1, 0)
      .report({ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s' }, 0)
    limiter.start(1, 0).report(headers('requests', 0, 0), 0)
    limiter.start(1, 0).report(undefined, 0)
    expect(limiter.delay(1, 0)).toBe(0)
  })

  it('start a request that is larger than the limit when the limit is full', () => {
    const limiter = new RateLimiter()
    limiter.start(1, 0).report(headers('tokens', 6_000, 3_000, '30s'), 0)
    expect(limiter.delay(9_000, 0)).toBe(30_000)
    expect(limiter.delay(9_000, 30_000)).toBe(0)
  })

  it('bound the largest request, like the configured limit', () => {
    const limiter = new RateLimiter({ tokensPerMinute: 10_000 })
    expect(limiter.largestRequest).toBe(10_000)
    limiter.start(1, 0).report(headers('tokens', 20_000, 20_000), 0)
    limiter.start(1, 0).report(headers('requests', 3, 3), 0)
    expect(limiter.largestRequest).toBe(10_000)
    limiter.start(1, 0).report(headers('project-tokens', 8_000, 8_000), 0)
    expect(limiter.largestRequest).toBe(8_000)
    limiter.start(1, 0).report(headers('project-tokens', 9_000, 9_000), 0)
    expect(limiter.largestRequest).toBe(9_000)
  })
})

describe('a 429', () => {
  it.each<[Record<string, string>, number]>([
    [{ 'retry-after-ms': '20' }, 20],
    [{ 'retry-after': '90' }, 90_000],
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:34:00 GMT', date: 'Wed, 21 Oct 2026 07:28:00 GMT' }, 360_000],
    [{ 'retry-after': '86400' }, DAY],
    // The requested pause comes first. The limits hold as well.
    [{ 'retry-after': '2', ...headers('requests', 60, 0, '1m0s') }, 2_000],
    [{ 'retry-after': '0.5', ...headers('requests', 60, 0, '1m0s') }, 1_000],
    [headers('requests', 60, 0, '1m0s'), 1_000],
    [headers('requests', 10_000, 0, '24h0m0s'), 8_640],
    [headers('tokens', 6_000, 400, '56s'), 1_000],
    [{ ...headers('requests', 60, 0, '1m0s'), ...headers('tokens', 6_000, 0, '1m0s') }, 5_000],
    [{ 'x-ratelimit-remaining-tokens': '3', 'x-ratelimit-reset-tokens': '6m0s' }, 360_000],
    // None of these headers names a time.
    [{}, 500],
    [{ 'retry-after': '0' }, 500],
    [headers('tokens', 6_000, 500, '55s'), 500],
    [{ 'x-ratelimit-remaining-tokens': '3' }, 500],
    [{ 'x-ratelimit-remaining-tokens': '3', 'x-ratelimit-reset-tokens': '0s' }, 500],
  ])('with %j pauses all requests for %i ms', (said, pause) => {
    const limiter = unhurried()
    limiter.start(500, 0).rateLimited(said, 7)
    expect(limiter.delay(500, 7)).toBe(pause)
    expect(limiter.delay(500, 7 + pause - 1)).toBe(1)
    expect(limiter.delay(500, 7 + pause)).toBe(0)
  })

  it('without headers: 500 ms, doubling up to 60 s, until a request goes well', () => {
    const limiter = unhurried()
    let now = 0
    const pauses: number[] = []
    for (let i = 0; i < 9; i++) {
      limiter.start(1, now).rateLimited(undefined, now)
      pauses.push(limiter.delay(1, now))
      now += limiter.delay(1, now)
    }
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
    limiter.start(1, now).end(false, 0)
    limiter.start(1, now).rateLimited(undefined, now)
    now += 60_000
    limiter.start(1, now).end(true, 0)
    limiter.start(1, now).rateLimited(undefined, now)
    expect(limiter.delay(1, now)).toBe(500)
  })

  it.each<[said: Record<string, string>, pauses: number[]]>([
    [
      { 'retry-after-ms': '20' },
      [20, 20, 20, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000],
    ],
    [{ 'retry-after': '1' }, [1_000, 1_000, 1_000, 1_000, 1_000, 2_000, 4_000, 8_000]],
    [{ 'retry-after': '90' }, Array.from({ length: 14 }, () => 90_000)],
    [{ 'retry-after-ms': '20', ...headers('requests', 6_000, 0, '1m0s') }, [20, 20, 20, 500, 1_000]],
  ])('rounds in a row with %j: three pauses are as requested, and then they grow', (said, expected) => {
    const limiter = unhurried()
    let now = 0
    const pauses = expected.map(() => {
      limiter.start(1, now).rateLimited(said, now)
      const pause = limiter.delay(1, now)
      now += pause
      return pause
    })
    expect(pauses).toEqual(expected)
    // A request that goes well ends the row.
    limiter.start(1, now).end(true, now)
    limiter.start(1, now).rateLimited(said, now)
    expect(limiter.delay(1, now)).toBe(expected[0])
  })

  it('is up to a quarter shorter, so that processes do not come back together', () => {
    const hasty = new RateLimiter({}, () => 1)
    hasty.start(1, 0).rateLimited(undefined, 0)
    expect(hasty.delay(1, 0)).toBe(375)
    const limiter = new RateLimiter()
    limiter.start(1, 0).rateLimited(undefined, 0)
    expect(limiter.delay(1, 0)).toBeGreaterThanOrEqual(375)
    expect(limiter.delay(1, 0)).toBeLessThanOrEqual(500)
  })

  it('backs off if the next 429 comes after the reported limit should have refilled', () => {
    const limiter = unhurried()
    const empty = headers('requests', 600, 0, '1m0s')
    const pauses: number[] = []
    for (let now = 0, i = 0; i < 5; i++) {
      limiter.start(1, now).rateLimited(empty, now)
      pauses.push(limiter.delay(1, now))
      now += limiter.delay(1, now)
    }
    expect(pauses).toEqual([100, 1_000, 2_000, 4_000, 8_000])
  })

  it('never shortens a pause', () => {
    const limiter = unhurried()
    const [one, other] = [limiter.start(1, 0), limiter.start(1, 0)]
    one.rateLimited({ 'retry-after': '90' }, 0)
    other.rateLimited({ 'retry-after': '1' }, 10)
    expect(limiter.delay(1, 10)).toBe(89_990)
  })

  it('an answer from before the 429 does not end the row', () => {
    const limiter = unhurried()
    const old = limiter.start(1, 0)
    limiter.start(1, 0).rateLimited(undefined, 0)
    limiter.start(1, 500).rateLimited(undefined, 500)
    old.end(true, 500)
    limiter.start(1, 1_500).rateLimited(undefined, 1_500)
    expect(limiter.delay(1, 1_500)).toBe(2_000)
  })
})

describe('how many run at once', () => {
  const isBlocked = (limiter: RateLimiter, now: number): boolean => limiter.delay(1, now) === Infinity

  it('four requests that are refused together halve the number once, and double the pause once', () => {
    const limiter = unhurried()
    const storm = Array.from({ length: 4 }, () => limiter.start(1, 0))
    for (const permit of storm) permit.rateLimited(undefined, 0)
    expect(limiter.delay(1, 0)).toBe(500)
    const running = [limiter.start(1, 500), limiter.start(1, 500)]
    expect(isBlocked(limiter, 500)).toBe(true)
    // These refusals are a new round.
    for (const permit of running) permit.rateLimited(undefined, 600)
    expect(limiter.delay(1, 600)).toBe(1_000)
    limiter.start(1, 1_600)
    expect(isBlocked(limiter, 1_600)).toBe(true)
  })

  it('running requests count, and no request starts while too many run', () => {
    const limiter = unhurried()
    const all = Array.from({ length: 8 }, () => limiter.start(1, 0))
    all[0]!.rateLimited({ 'retry-after': '1' }, 0)
    expect(isBlocked(limiter, 2_000)).toBe(true)
    for (const permit of all.slice(1, 4)) permit.end(false, 0)
    expect(isBlocked(limiter, 2_000)).toBe(true)
    all[4]!.end(false, 0)
    expect(limiter.delay(1, 2_000)).toBe(0)
  })

  it('grows by one with each round trip that goes well, up to no limit', () => {
    const limiter = unhurried()
    const storm = Array.from({ length: 8 }, () => limiter.start(1, 0))
    for (const permit of storm) permit.rateLimited({ 'retry-after': '1' }, 0)
    const sizes: number[] = []
    for (let now = 1_000; now < 20_000; now += 1_000) {
      const round: Permit[] = []
      while (round.length < 20 && limiter.delay(1, now) === 0) round.push(limiter.start(1, now))
      for (const permit of round) permit.end(true, 0)
      sizes.push(round.length)
    }
    expect(sizes[0]).toBe(4)
    const jumps = sizes.map((size, i) => size - (sizes[i - 1] ?? size))
    const unlimited = sizes.indexOf(20)
    expect(unlimited).toBeGreaterThanOrEqual(4)
    expect(unlimited).toBeLessThanOrEqual(8)
    for (const jump of jumps.slice(0, unlimited)) expect([0, 1]).toContain(jump)
    expect(sizes.slice(unlimited).every((size) => size === 20)).toBe(true)
  })

  it('does not grow with requests that fail', () => {
    const limiter = unhurried()
    for (const permit of [limiter.start(1, 0), limiter.start(1, 0)]) permit.rateLimited(undefined, 0)
    for (let i = 0; i < 10; i++) limiter.start(1, 1_000).end(false, 0)
    limiter.start(1, 1_000)
    expect(isBlocked(limiter, 1_000)).toBe(true)
  })
})

describe('a request that waits for its consumer', () => {
  /** A limiter that allows one request at once, and the permit of that request. */
  function one(): { limiter: RateLimiter; permit: Permit } {
    const limiter = unhurried()
    limiter.start(1, 0).rateLimited({ 'retry-after': '1' }, 0)
    return { limiter, permit: limiter.start(1, 1_000) }
  }
  const blocked = (limiter: RateLimiter): boolean => limiter.delay(1, 1_000) === Infinity

  // The consumer of one stream may be the other stream. Then both would wait for each other
  // forever.
  it('blocks no other request, and counts again when it goes on', () => {
    const { limiter, permit } = one()
    expect(blocked(limiter)).toBe(true)
    const listener = vi.fn<() => void>()
    limiter.whenFree(listener)
    permit.rest(true)
    expect(listener).toHaveBeenCalledTimes(1)
    expect(blocked(limiter)).toBe(false)
    const other = limiter.start(1, 1_000)
    expect(blocked(limiter)).toBe(true)
    permit.rest(false)
    other.end(false, 1_000)
    expect(blocked(limiter)).toBe(true)
    permit.end(false, 1_000)
    expect(blocked(limiter)).toBe(false)
  })

  it('counts once, also after repeated calls', () => {
    const { limiter, permit } = one()
    for (const isResting of [false, true, true]) permit.rest(isResting)
    limiter.start(1, 1_000)
    expect(blocked(limiter)).toBe(true)
    for (const isResting of [false, false, true]) permit.rest(isResting)
    expect(blocked(limiter)).toBe(true)
  })

  it('calls no listener when it goes on, because no slot is free', () => {
    const { limiter, permit } = one()
    permit.rest(true)
    const listener = vi.fn<() => void>()
    limiter.whenFree(listener)
    permit.rest(false)
    expect(listener).not.toHaveBeenCalled()
  })

  it.each<[string, (permit: Permit) => void]>([
    [
      'a healthy end',
      (permit) => {
        permit.end(true, 1_000)
      },
    ],
    [
      'another end',
      (permit) => {
        permit.end(false, 1_000)
      },
    ],
    [
      'a cancellation',
      (permit) => {
        permit.cancel()
      },
    ],
  ])('that ends with %s does not count any more, also after later calls', (_name, end) => {
    const { limiter, permit } = one()
    permit.rest(true)
    const other = limiter.start(1, 1_000)
    end(permit)
    permit.rest(false)
    permit.rest(true)
    // After a healthy end, two requests may run.
    const more = startAll(limiter, 1, 1_000)
    expect(more).toBeLessThanOrEqual(1)
    expect(blocked(limiter)).toBe(true)
    other.end(false, 1_000)
    expect(blocked(limiter)).toBe(false)
  })

  it('two streams end under one limiter if one stream feeds the other', () => {
    const { limiter, permit } = one()
    // The first stream waits until the second starts. The second waits until the first ends.
    let ended = 0
    const start = (): void => {
      if (limiter.delay(1, 1_000, start) > 0) {
        limiter.whenFree(start)
        return
      }
      limiter.start(1, 1_000, start).end(true, 1_000)
      ended += 1
    }
    start()
    expect(ended).toBe(0)
    permit.rest(true)
    expect(ended).toBe(1)
    permit.rest(false)
    permit.end(true, 1_000)
  })
})

describe('permits', () => {
  it('that are cancelled say nothing about the server', () => {
    const limiter = unhurried()
    for (let i = 0; i < 100; i++) limiter.start(1, 0).cancel()
    // No request has failed.
    expect(limiter.delay(1, 0)).toBe(0)
    for (let i = 0; i < 3; i++) limiter.start(1, 0).end(false, 0)
    limiter.start(1, 0).cancel()
    expect(limiter.delay(1, 0)).toBe(0)
    // The cancelled request has not ended the row of failures.
    limiter.start(1, 0).end(false, 0)
    expect(limiter.delay(1, 0)).toBe(500)
    limiter.start(1, 500).cancel()
    limiter.start(1, 500)
    expect(limiter.delay(1, 500)).toBe(Infinity)
  })

  it('that are cancelled do not end a row of 429', () => {
    const limiter = unhurried()
    limiter.start(1, 0).rateLimited(undefined, 0)
    limiter.start(1, 500).cancel()
    limiter.start(1, 500).rateLimited(undefined, 500)
    expect(limiter.delay(1, 500)).toBe(1_000)
  })

  it('ignore calls after their end', () => {
    const limiter = unhurried()
    const others = [limiter.start(1, 0), limiter.start(1, 0), limiter.start(1, 0)]
    const permit = limiter.start(1, 0)
    permit.end(true, 0)
    permit.end(true, 0)
    permit.rateLimited({ 'retry-after': '90' }, 0)
    permit.report(headers('requests', 60, 0), 0)
    expect(limiter.delay(1, 0)).toBe(0)
    // Three requests run, so half of them is one.
    others[0]!.rateLimited({ 'retry-after': '1' }, 0)
    others[0]!.end(true, 0)
    others[1]!.end(false, 0)
    expect(limiter.delay(1, 1_000)).toBe(Infinity)
    others[2]!.end(false, 0)
    expect(limiter.delay(1, 1_000)).toBe(0)
  })
})

describe('waiting for another reason than time', () => {
  it.each<[string, (permit: Permit) => void]>([
    [
      'a healthy end',
      (permit) => {
        permit.end(true, 0)
      },
    ],
    [
      'another end',
      (permit) => {
        permit.end(false, 0)
      },
    ],
    [
      'a 429',
      (permit) => {
        permit.rateLimited(undefined, 0)
      },
    ],
    [
      'a cancellation',
      (permit) => {
        permit.cancel()
      },
    ],
    [
      'a wait for a consumer',
      (permit) => {
        permit.rest(true)
      },
    ],
    [
      'a report',
      (permit) => {
        permit.report(headers('requests', 60, 60), 0)
      },
    ],
  ])('%s calls every listener once', (_name, happen) => {
    const limiter = new RateLimiter()
    const listeners = [vi.fn<() => void>(), vi.fn<() => void>()]
    for (const listener of [...listeners, ...listeners]) limiter.whenFree(listener)
    const permit = limiter.start(1, 0)
    for (const listener of listeners) expect(listener).not.toHaveBeenCalled()
    happen(permit)
    for (const listener of listeners) expect(listener).toHaveBeenCalledTimes(1)
    limiter.start(1, 0).end(true, 0)
    for (const listener of listeners) expect(listener).toHaveBeenCalledTimes(1)
  })

  it('headers without limits call no listener', () => {
    const limiter = new RateLimiter()
    const listener = vi.fn<() => void>()
    limiter.whenFree(listener)
    limiter.start(1, 0).report({ 'content-type': 'text/event-stream' }, 0)
    expect(listener).not.toHaveBeenCalled()
  })

  it('the request counts as ended when the listener is called', () => {
    const limiter = unhurried()
    const permits = [limiter.start(1, 0), limiter.start(1, 0)]
    permits[0]!.rateLimited({ 'retry-after': '1' }, 0)
    expect(limiter.delay(1, 1_000)).toBe(Infinity)
    let delay: number | undefined
    limiter.whenFree(() => {
      delay = limiter.delay(1, 1_000)
    })
    permits[1]!.end(false, 0)
    expect(delay).toBe(0)
  })

  it.each([false, true])(
    'a listener that waits again during its call waits for the next time; it has a turn: %s',
    (hasTurn) => {
      const limiter = new RateLimiter({ requestsPerMinute: 6 })
      limiter.start(1, 0)
      const listener = vi.fn<() => void>(() => {
        limiter.whenFree(listener)
      })
      limiter.whenFree(listener)
      if (hasTurn) limiter.delay(1, 0, listener)
      limiter.start(1, 0).end(true, 0)
      expect(listener).toHaveBeenCalledTimes(1)
      limiter.start(1, 0).end(true, 0)
      expect(listener).toHaveBeenCalledTimes(2)
    },
  )

  it('a forgotten listener is not called, also if it is forgotten during the calls', () => {
    const limiter = new RateLimiter()
    const [first, second, third] = [vi.fn<() => void>(), vi.fn<() => void>(), vi.fn<() => void>()]
    first.mockImplementation(() => {
      limiter.forget(second)
    })
    for (const listener of [first, second, third]) limiter.whenFree(listener)
    limiter.forget(third)
    limiter.forget(() => undefined)
    limiter.start(1, 0).end(true, 0)
    expect(first).toHaveBeenCalledTimes(1)
    expect(second).not.toHaveBeenCalled()
    expect(third).not.toHaveBeenCalled()
  })
})

describe('limits that only a 429 reported', () => {
  const refusal = {
    'retry-after': '1',
    'x-ratelimit-limit-tokens': '10000',
    'x-ratelimit-remaining-tokens': '0',
    'x-ratelimit-reset-tokens': '6m0s',
  }

  it('are forgotten when a later request is accepted without such headers', () => {
    const limiter = new RateLimiter()
    limiter.start(5_000, 0).rateLimited(refusal, 0)
    expect(limiter.largestRequest).toBe(10_000)
    const listener = vi.fn<() => void>()
    limiter.whenFree(listener)
    limiter.start(1, 1_000).report({ 'content-type': 'text/event-stream' }, 1_000)
    expect(limiter.largestRequest).toBe(Infinity)
    expect(listener).toHaveBeenCalledTimes(1)
  })

  it('are kept when an earlier request is accepted without such headers', () => {
    const limiter = new RateLimiter()
    const earlier = limiter.start(1, 0)
    limiter.start(5_000, 0).rateLimited(refusal, 0)
    earlier.report({}, 0)
    expect(limiter.largestRequest).toBe(10_000)
  })
})

describe('a server that is down', () => {
  const failOf = (limiter: RateLimiter, count: number, now: number) => {
    for (let i = 0; i < count; i++) limiter.start(1, now).end(false, now)
  }

  it.each([
    [1, 4],
    [4, 4],
    [9, 9],
  ])(
    'with %i at once, one request at a time tests the server after %i failures in a row and a pause',
    (atOnce, failures) => {
      const limiter = unhurried()
      const permits = Array.from({ length: atOnce }, () => limiter.start(1, 0))
      for (const permit of permits) permit.end(true, 0)
      failOf(limiter, failures - 1, 0)
      expect(limiter.delay(1, 0)).toBe(0)
      failOf(limiter, 1, 0)
      expect(limiter.delay(1, 0)).toBe(500)
      const probe = limiter.start(1, 500)
      expect(limiter.delay(1, 500)).toBe(Infinity)
      probe.end(false, 600)
      expect(limiter.delay(1, 600)).toBe(1_000)
    },
  )

  it('is tested at most once a minute in the end, and gets all requests when it is back', () => {
    const limiter = unhurried()
    const permits = Array.from({ length: 4 }, () => limiter.start(1, 0))
    for (const permit of permits) permit.end(false, 0)
    let now = 0
    let probes = 0
    for (; now < 600_000; probes++) {
      now += limiter.delay(1, now)
      limiter.start(1, now).end(false, now)
    }
    // Pauses of 0.5 + 1 + 2 + … + 32 s, then 60 s each.
    expect(probes).toBe(16)
    now += limiter.delay(1, now)
    for (let i = 0; i < 20; i++) limiter.start(1, now).end(true, now)
    for (let i = 0; i < 4; i++) {
      expect(limiter.delay(1, now)).toBe(0)
      limiter.start(1, now)
    }
  })

  it('is up if one request in between goes well', () => {
    const limiter = new RateLimiter()
    for (let i = 0; i < 20; i++) {
      failOf(limiter, 3, i)
      limiter.start(1, i).end(true, i)
    }
    expect(limiter.delay(1, 20)).toBe(0)
  })
})

describe('in every sequence of events', () => {
  const seconds = fc.nat(100_000).map((ms) => `${ms / 1_000}`)
  const said = fc.oneof(
    fc.constant(undefined),
    fc.record({ 'retry-after': seconds }),
    fc
      .tuple(
        fc.constantFrom('requests', 'tokens', 'project-tokens'),
        fc.integer({ min: 1, max: 1e4 }),
        fc.nat(1e4),
        seconds,
      )
      .map(([kind, limit, remaining, reset]) => headers(kind, limit, remaining, reset)),
  )
  const step = fc.record({
    does: fc.constantFrom(
      ...['start', 'start', 'report', 'refuse', 'end', 'fail', 'cancel', 'rest', 'go on', 'pass'],
    ),
    which: fc.nat(),
    tokens: fc.nat(5_000),
    pass: fc.nat(5_000),
    said,
  })

  it('a request can start after the returned wait, or when another request has ended', () => {
    fc.assert(
      fc.property(
        fc.record(
          {
            requestsPerMinute: fc.integer({ min: 1, max: 1e5 }),
            tokensPerMinute: fc.integer({ min: 1, max: 1e6 }),
          },
          { requiredKeys: [] },
        ),
        fc.constantFrom(0, 98_765.4321, 1.8e12 + 0.7),
        fc.array(step, { maxLength: 60 }),
        (options, start, steps) => {
          const limiter = new RateLimiter(options)
          const running: Permit[] = []
          let now = start
          for (const { does, which, tokens, pass, said } of steps) {
            const permit = running[which % running.length]
            const end = (): Permit | undefined => running.splice(which % running.length, 1)[0]
            switch (does) {
              case 'start': {
                const wait = limiter.delay(tokens, now)
                if (wait === Infinity) {
                  expect(running.length).toBeGreaterThan(0)
                  break
                }
                expect(Number.isInteger(wait) && wait >= 0).toBe(true)
                now += wait
                expect(limiter.delay(tokens, now)).toBe(0)
                running.push(limiter.start(tokens, now))
                break
              }
              case 'report':
                permit?.report(said, now)
                break
              case 'refuse':
                end()?.rateLimited(said, now)
                break
              case 'end':
              case 'fail':
                end()?.end(does === 'end', 0)
                break
              case 'cancel':
                end()?.cancel()
                break
              case 'rest':
              case 'go on':
                permit?.rest(does === 'rest')
                break
              case 'pass':
                now += pass
            }
          }
          for (const permit of running) permit.end(false, 0)
          expect(limiter.delay(1, now)).toBeLessThan(Infinity)
        },
      ),
      { numRuns: runs(500) },
    )
  })
})
