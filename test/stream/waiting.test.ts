import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { RateLimiter, type WaitingEvent } from 'llm-pack-stream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { collect, settle, stringStream, texts } from '../helpers/collect.ts'
import { echo, scriptedClient } from '../helpers/scripted-client.ts'

const MINUTE = 60_000
const refusal = (headers: Record<string, string> = {}) =>
  Object.assign(new Error('slow down, text 0'), {
    ...{ status: 429, code: 'rate_limit_exceeded', headers: new Headers(headers) },
  })
const LIMITED = 'The rate limit was reached (429 rate_limit_exceeded)'
const DOWN = 'The server answered with an error (503)'

/** Stops all clocks until the end of the test. */
function fakeClocks(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
  onTestFinished(() => void vi.useRealTimers())
}

const pass = async (ms: number) => {
  await vi.advanceTimersByTimeAsync(ms)
  await settle()
}

function listen(): WaitingEvent[] {
  const events: WaitingEvent[] = []
  const listener = (event: unknown) => events.push(event as WaitingEvent)
  subscribe('llm-pack-stream:waiting', listener)
  onTestFinished(() => void unsubscribe('llm-pack-stream:waiting', listener))
  return events
}

const one = { linger: 0, maxPackRecords: 1 }

describe('`waiting` and its event', () => {
  it('say after a 429 until when the stream waits and what the server said', async () => {
    fakeClocks()
    const events = listen()
    const client = scriptedClient((call) => {
      if (call.number === 0) throw refusal({ 'retry-after': '90' })
      return echo(call)
    })
    const stream = stringStream(client, one).resume()
    expect(stream.stats.waiting).toBe(undefined)
    stream.write('text 0')
    const until = Date.now() + 90_000
    await pass(1)
    const waiting = { for: 'rate_limit', until, said: LIMITED }
    expect(stream.stats.waiting).toEqual(waiting)
    expect(Object.isFrozen(stream.stats.waiting)).toBe(true)
    await pass(MINUTE)
    // A record that comes in the pause is no news.
    stream.write('text 1')
    await pass(1)
    expect(stream.stats.waiting).toEqual(waiting)
    expect(events).toStrictEqual([waiting])
    expect(events[0]?.stream).toBe(stream)
    await pass(MINUTE)
    expect(stream.stats).toMatchObject({ waiting: undefined, records: { fulfilled: 2 } })
    expect(events).toHaveLength(1)
    stream.destroy()
  })

  it('tell all streams of a limiter, if they have records to send', async () => {
    fakeClocks()
    const events = listen()
    const limiter = new RateLimiter()
    const client = scriptedClient(() => {
      throw refusal({ 'retry-after': '90' })
    })
    const streams = [client, scriptedClient(echo), scriptedClient(echo)].map((each) =>
      stringStream(each, { ...one, limiter }).resume(),
    )
    streams[0]?.write('a')
    await pass(5)
    streams[1]?.write('b')
    await pass(5)
    const said = streams.map(({ stats }) => stats.waiting?.said)
    expect(said).toEqual([LIMITED, LIMITED, undefined])
    expect(events.map(({ stream }) => streams.indexOf(stream as never))).toEqual([0, 1])
    for (const stream of streams) stream.destroy()
    expect(streams.map(({ stats }) => stats.waiting)).toEqual([undefined, undefined, undefined])
  })

  it('say while a server is down how long each pause is', async () => {
    fakeClocks()
    const events = listen()
    const times: number[] = []
    const client = scriptedClient(() => {
      times.push(Date.now())
      throw Object.assign(new Error('down'), { status: 503 })
    })
    const stream = stringStream(client, { maxInFlight: 2 }).resume()
    for (const text of texts(50)) stream.write(text)
    stream.flush()
    await pass(1)
    const untils: number[] = []
    for (let i = 0; i < 400; i++) {
      const { waiting } = stream.stats
      if (waiting && untils.at(-1) !== waiting.until) untils.push(waiting.until)
      if (waiting) expect(waiting).toMatchObject({ for: 'server', said: DOWN })
      await pass(250)
    }
    expect(untils.length).toBeGreaterThan(4)
    expect(untils).toEqual(untils.toSorted((a, b) => a - b))
    // One request at a time tries the server, at the end of a pause.
    expect(times.slice(-2).map((at) => untils.some((until) => Math.abs(at - until) <= 2))).toEqual([
      true,
      true,
    ])
    expect(events.map(({ until }) => until)).toEqual(expect.arrayContaining(untils))
    stream.destroy()
  })

  it('say that a limit has no room, although no server refused a request', async () => {
    fakeClocks()
    const events = listen()
    const limiter = new RateLimiter({ requestsPerMinute: 1 })
    const stream = stringStream(scriptedClient(echo), { ...one, limiter }).resume()
    stream.write('a')
    await pass(1)
    expect(stream.stats.waiting).toBe(undefined)
    stream.write('b')
    await pass(1)
    expect(stream.stats.waiting).toMatchObject({ for: 'rate_limit', said: undefined })
    expect(events).toHaveLength(1)
    await pass(MINUTE)
    expect(stream.stats).toMatchObject({ waiting: undefined, records: { fulfilled: 2 } })
    stream.destroy()
  })

  it('say nothing while other requests run', async () => {
    fakeClocks()
    const events = listen()
    const client = scriptedClient(async (call) => {
      if (call.number === 0) throw Object.assign(new Error('busy'), { status: 503 })
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      return echo(call)
    })
    const stream = stringStream(client, { ...one, maxInFlight: 2 }).resume()
    for (const text of texts(2)) stream.write(text)
    await pass(100)
    expect(stream.stats).toMatchObject({ inFlight: 1, waiting: undefined })
    expect(events).toEqual([])
    stream.destroy()
  })

  it('let a subscriber destroy the stream', async () => {
    const client = scriptedClient(() => {
      throw refusal({ 'retry-after': '90' })
    })
    const stream = stringStream(client, one)
    const destroy = () => stream.destroy()
    subscribe('llm-pack-stream:waiting', destroy)
    onTestFinished(() => void unsubscribe('llm-pack-stream:waiting', destroy))
    await expect(collect(stream, ['a'])).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
    expect(stream.stats.waiting).toBe(undefined)
  })
})

describe('a 503 with a long retry-after', () => {
  it('holds a stream for a minute at most', async () => {
    fakeClocks()
    const client = scriptedClient((call) => {
      if (call.number < 4) {
        throw Object.assign(new Error('busy'), {
          status: 503,
          headers: new Headers({ 'retry-after': '3600' }),
        })
      }
      return echo(call)
    })
    const stream = stringStream(client, { ...one, maxInFlight: 4 }).resume()
    for (const text of texts(8)) stream.write(text)
    await pass(100)
    expect([client.calls.length, stream.stats.waiting?.for]).toEqual([4, 'server'])
    await pass(MINUTE)
    expect(stream.stats.records.fulfilled).toBe(8)
    stream.destroy()
  })
})
