import { once } from 'node:events'
import { Readable } from 'node:stream'
import { PackStream, RateLimiter, type Outcome } from 'llm-pack-stream'
import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { fakeTimers, gate, settle, stringStream, texts, patient } from '../helpers/collect.ts'
import { echo, scriptedClient, type ScriptedClient } from '../helpers/scripted-client.ts'
import { idAt } from '../../src/request/ids.ts'

const refusal = (headers: Record<string, string>) =>
  Object.assign(new Error('429'), { status: 429, code: 'rate_limit_exceeded', headers: new Headers(headers) })

/** A model with a delay in ms. It refuses one request. */
const refusingOne = (refused: number, took = 0): ScriptedClient =>
  scriptedClient(async (call) => {
    if (took > 0) await new Promise((resolve) => setTimeout(resolve, took))
    if (call.number === refused) throw refusal({ 'retry-after-ms': '50' })
    return echo(call)
  })

/** A model that leaves every request open. */
const silent = () => scriptedClient(() => new Promise<never>(() => undefined))

/** Lets all work run that is due within this number of ms. */
const within = async (ms: number) => {
  await vi.advanceTimersByTimeAsync(ms)
  await settle()
}

const statuses = (outcomes: readonly { status: string }[]) => new Set(outcomes.map(({ status }) => status))

const outcomesOf = async (stream: PackStream<string, string>): Promise<Outcome<string, string>[]> => {
  const outcomes: Outcome<string, string>[] = []
  for await (const outcome of stream) outcomes.push(outcome)
  return outcomes
}

describe('a 429', () => {
  it('of the second of two stages does not stop the stage while the first stage waits for it', async () => {
    fakeTimers()
    const limiter = new RateLimiter()
    const [first, second] = [scriptedClient(echo), refusingOne(3, 100)]
    const stage = stringStream(first, { limiter, maxInFlight: 4, maxPackRecords: 10, highWaterMark: 1 })
    const next = new PackStream<Outcome<string, string>, string>({
      ...patient,
      ...{ client: second, model: 'm', instructions: 'Echo.', schema: z.string(), limiter },
      ...{ serialize: ({ record }) => record, maxInFlight: 4, maxPackRecords: 5, highWaterMark: 1 },
    })
    const outcomes: Outcome<unknown, string>[] = []
    Readable.from(texts(200))
      .pipe(stage)
      .pipe(next)
      .on('data', (outcome: Outcome<unknown, string>) => outcomes.push(outcome))
    for (let i = 0; i < 1_000 && !next.readableEnded; i++) await within(100)
    expect(next.stats.rateLimited).toBe(1)
    expect(outcomes).toHaveLength(200)
    expect(statuses(outcomes)).toEqual(new Set(['fulfilled']))
    expect([next.readableEnded, vi.getTimerCount()]).toEqual([true, 0])
  })

  it('of one stream stops neither this stream while another stream waits for its consumer, nor the other stream later', async () => {
    fakeTimers()
    const limiter = new RateLimiter()
    const client = scriptedClient(echo)
    const unread = stringStream(client, { limiter, maxPackRecords: 5, readableHighWaterMark: 1 })
    Readable.from(texts(50)).pipe(unread)
    await within(100)
    expect([client.inFlight, unread.stats.inFlight]).toEqual([4, 4])

    const other = stringStream(refusingOne(0), { limiter, maxPackRecords: 5 })
    const outcomes = Readable.from(texts(50)).pipe(other).toArray()
    await within(5_000)
    expect(other.stats).toMatchObject({ rateLimited: 1, records: { fulfilled: 50 } })
    expect(await outcomes).toHaveLength(50)

    const late: unknown[] = []
    unread.on('data', (outcome) => late.push(outcome))
    await within(5_000)
    expect(late).toHaveLength(50)
    expect(unread.readableEnded).toBe(true)
  })

  it('delays a stream only until the answers of another stream begin to wait for their consumer', async () => {
    fakeTimers()
    const limiter = new RateLimiter()
    const { opened, open } = gate()
    const slow = scriptedClient(async (call) => {
      await opened
      return echo(call)
    })
    const unread = stringStream(slow, { limiter, maxPackRecords: 5, readableHighWaterMark: 1, linger: 0 })
    for (const text of texts(10)) unread.write(text)
    await within(5)
    expect(slow.inFlight).toBe(2)
    const client = refusingOne(0)
    const other = stringStream(client, { limiter, linger: 0 }).resume()
    for (const text of texts(5)) other.write(text)
    await within(5_000)
    // One of three requests may run, and two requests run.
    expect(client.calls).toHaveLength(1)
    open()
    await within(100)
    expect(unread.stats.inFlight).toBe(2)
    expect(other.stats.records.fulfilled).toBe(5)
    unread.destroy()
  })

  it('counts answers again when they go on after waiting for their consumer', async () => {
    fakeTimers()
    const limiter = new RateLimiter()
    const { opened, open } = gate()
    const halting = scriptedClient(() => ({
      text: (async function* () {
        yield `{"results":[{"id":${idAt(0)},"value":"first"},{"id":${idAt(1)},"value":"second"}`
        await opened
        yield ']}'
      })(),
    }))
    const options = { limiter, maxPackRecords: 2, linger: 0 }
    const stream = stringStream(halting, { ...options, readableHighWaterMark: 1 })
    for (const text of texts(8)) stream.write(text)
    await within(5)
    expect(halting.inFlight).toBe(4)
    stream.resume()
    await within(5)
    expect([halting.inFlight, stream.stats.records.fulfilled]).toEqual([4, 8])

    const client = refusingOne(0)
    const other = stringStream(client, options).resume()
    for (const text of texts(2)) other.write(text)
    await within(5_000)
    // Two of five requests may run, and four requests run.
    expect(client.calls).toHaveLength(1)
    open()
    await within(100)
    expect(other.stats.records.fulfilled).toBe(2)
  })
})

describe('a stream that is destroyed', () => {
  const options = { maxInFlight: 8, maxPackRecords: 1, linger: 0 }

  /** Returns how many requests of another stream run at once, without a pause. */
  async function atOnce(limiter: RateLimiter): Promise<number> {
    const client = silent()
    const stream = stringStream(client, { ...options, limiter })
    for (const text of texts(8)) stream.write(text)
    await within(5)
    const { inFlight } = client
    stream.destroy()
    await settle()
    return inFlight
  }

  it.each(['before their answers begin', 'within their answers', 'while they wait for its consumer'])(
    'leaves the limiter unchanged, with running requests: %s',
    async (when) => {
      fakeTimers()
      const limiter = new RateLimiter()
      const never = new Promise<never>(() => undefined)
      for (let i = 0; i < 5; i++) {
        const client = scriptedClient((call) => {
          if (when.startsWith('while')) return echo(call)
          if (when.startsWith('before')) return never
          return {
            text: (async function* () {
              yield '{"resu'
              await never
            })(),
          }
        })
        const stream = stringStream(client, { ...options, limiter, readableHighWaterMark: 1 })
        for (const text of texts(8)) stream.write(text)
        await within(5)
        expect(stream.stats.inFlight).toBeGreaterThan(1)
        stream.destroy()
        await settle()
      }
      expect(await atOnce(limiter)).toBe(8)
      expect(await atOnce(limiter)).toBe(8)
    },
  )

  it('while its requests wait for its consumer makes room for no more requests than allowed', async () => {
    fakeTimers()
    const limiter = new RateLimiter()
    const unread = stringStream(scriptedClient(echo), { ...options, limiter, readableHighWaterMark: 1 })
    for (const text of texts(8)) unread.write(text)
    await within(5)
    expect(unread.stats.inFlight).toBeGreaterThan(4)
    unread.destroy()
    await settle()

    // All eight requests are refused, so four requests may run.
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => {
      if (call.number >= 8) return new Promise<never>(() => undefined)
      await opened
      throw refusal({ 'retry-after-ms': '50' })
    })
    const stream = stringStream(client, { ...options, limiter })
    for (const text of texts(8)) stream.write(text)
    await within(5)
    expect(client.calls).toHaveLength(8)
    open()
    await within(1_000)
    expect(client.inFlight).toBe(4)
    stream.destroy()
  })
})

describe('an outage', () => {
  it.each(['503', 'an answer that breaks off at its begin', 'an answer that stops at its begin'])(
    'in one stream slows all streams, and ends for all streams: %s',
    async (kind) => {
      fakeTimers()
      const limiter = new RateLimiter({}, () => 0)
      const state = { isDown: true }
      const model = () =>
        scriptedClient(async (call) => {
          await new Promise((resolve) => setTimeout(resolve, 20))
          if (!state.isDown) return echo(call)
          const busy = Object.assign(new Error('busy'), { status: 503 })
          if (kind === '503') throw busy
          return kind.includes('breaks') ? { breaksOff: busy } : { finishReason: 'stop' }
        })
      const clients = [model(), model()]
      const [first, second] = clients.map((client) =>
        stringStream(client, { limiter, maxInFlight: 4, maxPackRecords: 1, linger: 0, maxAttempts: 20 }),
      )
      const outcomes = [first!, second!].map(outcomesOf)
      for (const text of texts(4)) first!.write(text)
      await within(30)
      expect(clients.map(({ calls }) => calls.length)).toEqual([4, 0])

      // The second stream has seen no failure, and is delayed as well.
      for (const text of texts(4)) second!.write(text)
      await within(450)
      expect(clients[1]!.calls).toHaveLength(0)
      await within(60_000)
      const asked = clients.map(({ calls }) => calls.length)
      expect(asked[0]! + asked[1]!).toBeLessThan(4 + 10)
      expect(asked[0]! + asked[1]!).toBeGreaterThan(4 + 4)
      expect(clients[1]!.maxInFlight).toBe(1)

      state.isDown = false
      for (const stream of [first!, second!]) {
        for (const text of texts(40)) stream.write(text)
        stream.end()
      }
      await within(62_000)
      await within(5_000)
      for (const all of await Promise.all(outcomes)) {
        expect(all).toHaveLength(44)
        expect(statuses(all)).toEqual(new Set(['fulfilled']))
      }
      // The former number of requests.
      expect(clients.map(({ maxInFlight }) => maxInFlight)).toEqual([4, 4])
      expect(vi.getTimerCount()).toBe(0)
    },
  )

  it('ends with the first success of any stream', async () => {
    fakeTimers()
    const limiter = new RateLimiter({}, () => 0)
    const broken = stringStream(
      scriptedClient(() => {
        throw Object.assign(new Error('broken'), { status: 500 })
      }),
      { limiter, maxInFlight: 4, maxPackRecords: 1, linger: 0, maxAttempts: 1 },
    )
    const rejected = outcomesOf(Readable.from(texts(4)).pipe(broken))
    await within(10)
    expect(statuses(await rejected)).toEqual(new Set(['rejected']))

    const client = scriptedClient(echo)
    const healthy = stringStream(client, { limiter, maxInFlight: 4, maxPackRecords: 1, linger: 0 }).resume()
    for (const text of texts(20)) healthy.write(text)
    healthy.end()
    await within(450)
    expect(client.calls).toHaveLength(0)
    const end = once(healthy, 'end')
    await within(100)
    await end
    expect(healthy.stats.records.fulfilled).toBe(20)
  })
})
