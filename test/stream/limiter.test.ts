import fc from 'fast-check'
import { RateLimiter } from 'llm-pack-stream'
import { describe, expect, it, vi } from 'vitest'
import { RateLimits, tokenCharge } from '../../src/simulator/limits.ts'
import { collect, fakeTimers, gate, inNoTime, settle, stringStream, texts } from '../helpers/collect.ts'
import { echo, scriptedClient, type Call, type ScriptedClient } from '../helpers/scripted-client.ts'
import { withHeaders } from '../helpers/with-headers.ts'

const MINUTE = 60_000

/** A refusal because of a used-up quota, in the form that the SDK throws. */
const refusal = (headers: Record<string, string> = {}) =>
  Object.assign(new Error('429'), { status: 429, code: 'rate_limit_exceeded', headers: new Headers(headers) })

/** A model that refuses its first request, and the requests that the test names. */
const refusingFirst = (headers: Record<string, string>): ScriptedClient =>
  scriptedClient((call) => {
    if (call.number === 0) throw refusal(headers)
    return echo(call)
  })

const isFulfilled = ({ status, attempts }: { status: string; attempts: number }) =>
  status === 'fulfilled' && attempts === 1

/** Lets all work run that is due now or within a few ms. */
const aMoment = async () => {
  await vi.advanceTimersByTimeAsync(5)
  await settle()
}

describe('a 429', () => {
  it('pauses all requests of all streams that share the limiter', async () => {
    fakeTimers()
    const limiter = new RateLimiter()
    const clients = [refusingFirst({ 'retry-after': '90' }), scriptedClient(echo)]
    const [first, second] = clients.map((client) => {
      return stringStream(client, { limiter, linger: 0, maxPackRecords: 1 }).resume()
    })
    first!.write('a')
    await aMoment()
    for (const stream of [first!, second!]) for (const text of texts(3)) stream.write(text)
    await aMoment()
    await vi.advanceTimersByTimeAsync(89_900)
    expect(clients.map(({ calls }) => calls.length)).toEqual([1, 0])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(clients.map(({ calls }) => calls.length)).toEqual([5, 3])
    expect(first!.stats).toMatchObject({ rateLimited: 1, records: { fulfilled: 4 } })
  })

  it('does not pause a stream with another limiter', async () => {
    fakeTimers()
    const clients = [refusingFirst({ 'retry-after': '90' }), scriptedClient(echo)]
    for (const client of clients) stringStream(client, { linger: 0 }).resume().write('a')
    await aMoment()
    expect(clients.map(({ calls }) => calls.length)).toEqual([1, 1])
  })

  it.each<[string, number, () => Record<string, string>]>([
    ['20 ms', 20, () => ({ 'retry-after-ms': '20' })],
    ['90 s', 90_000, () => ({ 'retry-after': '90' })],
    ['a day', 24 * 60 * MINUTE, () => ({ 'retry-after': '86400' })],
    [
      'a day, by a date',
      24 * 60 * MINUTE,
      () => ({ 'retry-after': 'Tue, 02 Jan 2024 00:00:00 GMT', date: 'Mon, 01 Jan 2024 00:00:00 GMT' }),
    ],
    ['longer than timers can wait', 2 ** 31 + MINUTE, () => ({ 'retry-after-ms': `${2 ** 31 + MINUTE}` })],
  ])('is waited out for %s, and no record is lost', async (_, pause, headers) => {
    fakeTimers()
    const client = refusingFirst(headers())
    const stream = stringStream(client, { maxPackRecords: 5, maxAttempts: 1 })
    const outcomes = collect(stream, texts(30))
    await vi.advanceTimersByTimeAsync(1)
    await aMoment()
    const sent = client.calls.length
    await vi.advanceTimersByTimeAsync(pause - 10)
    expect(client.calls.length).toBe(sent)
    await vi.advanceTimersByTimeAsync(20)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await outcomes).toHaveLength(30)
    // The wait does not count as an attempt.
    expect((await outcomes).every(isFulfilled)).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that repeats gets a longer pause each time', async () => {
    const times: number[] = []
    const client = scriptedClient((call) => {
      times.push(performance.now())
      if (call.number < 12) throw refusal()
      return echo(call)
    })
    const outcomes = await inNoTime(() => collect(stringStream(client, { maxAttempts: 1 }), texts(5)))
    expect(outcomes.every(isFulfilled)).toBe(true)
    const pauses = times.slice(1).map((time, i) => time - times[i]!)
    expect(pauses).toHaveLength(12)
    expect(pauses[0]).toBeLessThan(1_000)
    expect(pauses.at(-1)).toBeGreaterThan(40_000)
    expect(Math.max(...pauses)).toBeLessThan(61_000)
  })

  it('halves the number of requests at once', async () => {
    fakeTimers()
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => {
      if (call.number === 0) throw refusal({ 'retry-after': '1' })
      if (call.number < 8) await opened
      else await new Promise((resolve) => setTimeout(resolve, 1_000))
      return echo(call)
    })
    const stream = stringStream(client, { maxInFlight: 8, maxPackRecords: 1, linger: 0 }).resume()
    for (const text of texts(16)) stream.write(text)
    await aMoment()
    expect(client.calls).toHaveLength(8)
    open()
    await vi.advanceTimersByTimeAsync(1_020)
    expect(client.calls.length).toBeGreaterThan(8)
    expect(client.inFlight).toBeLessThan(8)
    expect(client.inFlight).toBeGreaterThanOrEqual(4)
    stream.destroy()
  })
})

describe('requestsPerMinute', () => {
  it('is respected by all streams together, in every minute', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 5, max: 300 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 40 }),
        async (requestsPerMinute, streams, count) => {
          const limiter = new RateLimiter({ requestsPerMinute })
          const times: number[] = []
          const client = scriptedClient((call) => {
            times.push(performance.now())
            return echo(call)
          })
          const options = { limiter, maxPackRecords: 1, maxInFlight: 8 }
          const all = await inNoTime(() =>
            Promise.all(
              Array.from({ length: streams }, () => collect(stringStream(client, options), texts(count))),
            ),
          )
          expect(all.flat()).toHaveLength(streams * count)
          expect(all.flat().every(isFulfilled)).toBe(true)
          for (const start of times) {
            const inMinute = times.filter((time) => time >= start && time < start + MINUTE)
            // At most the limit of the minute, and the requests that may start at once.
            expect(inMinute.length).toBeLessThanOrEqual(Math.ceil(requestsPerMinute * (1 + 1 / 6)) + 1)
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  it('gives each of the streams its share', async () => {
    const limiter = new RateLimiter({ requestsPerMinute: 60 })
    const order: string[] = []
    const streams = ['a', 'b'].map((name) => {
      const client = scriptedClient((call) => {
        order.push(name)
        return echo(call)
      })
      return stringStream(client, { limiter, maxPackRecords: 1 })
    })
    await inNoTime(() => Promise.all(streams.map((stream) => collect(stream, texts(40)))))
    const half = order.slice(0, 40)
    expect(half.filter((name) => name === 'a').length).toBeGreaterThan(12)
    expect(half.filter((name) => name === 'b').length).toBeGreaterThan(12)
  })
})

/** The tokens that a provider charges for a request. */
function chargeOf({ body }: Call): number {
  const length = body.messages.reduce((sum, { content }) => sum + (content as string).length, 0)
  return tokenCharge(length, body.max_completion_tokens ?? undefined)
}

describe('a request that is larger than the whole limit', () => {
  /** A server that always refuses such a request, like OpenAI, and names the limit. */
  const strict = (limit: number, headers: Record<string, string> = {}) =>
    scriptedClient((call) => {
      if (chargeOf(call) <= limit) return echo(call)
      throw refusal({
        'x-ratelimit-limit-tokens': `${limit}`,
        'x-ratelimit-remaining-tokens': `${limit}`,
        'x-ratelimit-reset-tokens': '0s',
        ...headers,
      })
    })
  const long = (length: number) => 'x'.repeat(length)

  it('is halved until it fits', async () => {
    const client = strict(1_000)
    const records = texts(16).map((text) => `${text} ${long(1_000)}`)
    const outcomes = await inNoTime(() =>
      collect(stringStream(client, { maxAttempts: 1, maxInFlight: 1 }), records),
    )
    expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true)
    // The stream knows the limit after the first refusal.
    expect(client.calls.filter((call) => chargeOf(call) > 1_000)).toHaveLength(1)
  })

  it.each([{}, { 'retry-after': '5' }])(
    'and holds one record is rejected and not sent forever: %j',
    async (headers) => {
      const client = strict(1_000, headers)
      const records = ['a', 'b', long(8_000), 'c']
      const outcomes = await inNoTime(() => collect(stringStream(client), records))
      const inOrder = outcomes.toSorted((a, b) => a.index - b.index)
      expect(inOrder.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
      expect(inOrder[2]).toMatchObject({
        reason: { code: 'request_failed', cause: { code: 'rate_limited', status: 429 } },
        pack: { size: 1 },
      })
      expect(client.calls.length).toBeLessThan(10)
    },
  )

  it('of a limiter is sent only alone, and only sent requests are counted', async () => {
    const limiter = new RateLimiter({ tokensPerMinute: 1_000 })
    const client = scriptedClient(echo)
    const stream = stringStream(client, { limiter })
    const records = [...texts(7).map((text) => `${text} ${long(1_000)}`), long(8_000)]
    const outcomes = await inNoTime(() => collect(stream, records))
    expect(outcomes.every(isFulfilled)).toBe(true)
    const tooLarge = client.calls.filter((call) => chargeOf(call) > 1_000)
    expect(tooLarge.map((call) => call.records.length)).toEqual([1])
    expect(stream.stats).toMatchObject({
      requests: client.calls.length,
      packs: client.calls.length,
      retries: 0,
    })
  })
})

describe('destroyed while it waits', () => {
  it.each([
    ['for the end of a pause', {}, () => refusingFirst({ 'retry-after': '90' })],
    ['for its turn', { requestsPerMinute: 1 }, () => scriptedClient(echo)],
  ])('%s, it leaves no timer and no listener, and sends no more requests', async (_, limits, makeClient) => {
    fakeTimers()
    const limiter = new RateLimiter(limits)
    const listening = vi.spyOn(limiter, 'whenFree')
    const forgotten = vi.spyOn(limiter, 'forget')
    const client = makeClient()
    const stream = stringStream(client, { limiter, linger: 0, maxPackRecords: 1, maxInFlight: 1 }).resume()
    for (const text of texts(5)) stream.write(text)
    await aMoment()
    expect([client.calls.length, vi.getTimerCount()]).toEqual([1, 1])
    expect(listening).toHaveBeenCalled()
    stream.destroy()
    await aMoment()
    expect(vi.getTimerCount()).toBe(0)
    for (const [listener] of listening.mock.calls) expect(forgotten).toHaveBeenCalledWith(listener)

    // The limiter still works for other streams.
    const other = scriptedClient(echo)
    const outcomes = collect(stringStream(other, { limiter }), texts(3))
    await vi.advanceTimersByTimeAsync(5 * MINUTE)
    expect(await outcomes).toHaveLength(3)
    expect(client.calls).toHaveLength(1)
  })
})

describe('x-ratelimit headers', () => {
  /** A server with such a limit. Its headers may report how much is left. */
  function limited(limits: { requestsPerMinute?: number; tokensPerMinute?: number }, tells: boolean) {
    const bucket = new RateLimits(limits, performance.now())
    const times: number[] = []
    const client = scriptedClient((call) => {
      times.push(performance.now())
      if (bucket.take(performance.now(), chargeOf(call))) throw refusal()
      return echo(call)
    })
    const headers = () => (tells ? bucket.headers(performance.now()) : {})
    return { client: withHeaders(client, headers), times }
  }

  it.each([
    [{ requestsPerMinute: 30 }, 1],
    [{ requestsPerMinute: 30 }, 4],
    [{ tokensPerMinute: 5_000 }, 1],
    [{ tokensPerMinute: 5_000 }, 4],
  ])('slow the stream down before a 429 comes: %j, %d at once', async (limits, maxInFlight) => {
    const refused = await inNoTime(async () => {
      const counts: number[] = []
      for (const tells of [true, false]) {
        const { client, times } = limited(limits, tells)
        const stream = stringStream(client, { maxPackRecords: 1, maxInFlight })
        const outcomes = await collect(stream, texts(120))
        expect(outcomes.every(isFulfilled)).toBe(true)
        expect(times.at(-1)! - times[0]!).toBeGreaterThan(MINUTE)
        counts.push(stream.stats.rateLimited)
      }
      return counts
    })
    const [told, untold] = refused
    expect(told).toBe(0)
    expect(untold).toBeGreaterThan(0)
  })
})
