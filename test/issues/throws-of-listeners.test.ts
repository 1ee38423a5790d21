import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { RateLimiter, type PackStream } from 'llm-pack-stream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { collect, fakeTimers, settle, stringStream, texts } from '../helpers/collect.ts'
import { echo, scriptedClient } from '../helpers/scripted-client.ts'

const boom = new Error('from the listener')
const fail = (): never => {
  throw boom
}
const errorOf = async (stream: PackStream<string, string>): Promise<unknown> =>
  ((await once(stream, 'error')) as [unknown])[0]

/** Lets all work run that is due within a few ms. */
const aMoment = async () => {
  await vi.advanceTimersByTimeAsync(5)
  await settle()
}

describe('a listener that throws ends its own stream', () => {
  it.each<[string, (stream: PackStream<string, string>) => void]>([
    ['of data', (stream) => stream.on('data', fail)],
    [
      'of data, while Node reads what it has buffered',
      (stream) => {
        stream.once('readable', () => stream.on('data', fail).removeAllListeners('readable').resume())
      },
    ],
    ['of readable', (stream) => stream.on('readable', fail)],
    ['of finish', (stream) => stream.on('finish', fail).resume()],
    ['of end', (stream) => stream.on('end', fail).resume()],
  ])('%s', async (_event, listen) => {
    const stream = stringStream(scriptedClient(echo))
    listen(stream)
    stream.end('a')
    expect(await errorOf(stream)).toBe(boom)
    await settle()
    expect(stream.destroyed).toBe(true)
  })

  it('where the outcome comes at the write, and the write does not throw', async () => {
    const stream = stringStream(scriptedClient(echo), { serialize: () => 1 as never })
    stream.on('data', fail)
    stream.write('a')
    expect(await errorOf(stream)).toBe(boom)
  })

  it('and the callback of a write that throws does the same', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { maxPackRecords: 1, maxInFlight: 1 }).resume()
    for (const text of texts(20)) stream.write(text)
    stream.write('last', fail)
    expect(await errorOf(stream)).toBe(boom)
  })

  it('an error listener that throws is left to Node', () => {
    const stream = stringStream(scriptedClient(echo)).on('error', fail)
    expect(() => stream.emit('error', new Error('other'))).toThrow(boom)
    stream.destroy()
  })
})

describe('a listener that throws ends no other stream', () => {
  /** Two streams with one limiter. The second waits until a request of the first has ended. */
  async function two() {
    fakeTimers()
    const limiter = new RateLimiter()
    const { promise: opened, resolve: open } = Promise.withResolvers<undefined>()
    const first = scriptedClient(async (call) => {
      if (call.number === 1) throw Object.assign(new Error('429'), { status: 429 })
      await opened
      return echo(call)
    })
    const options = { limiter, linger: 0, maxPackRecords: 1 }
    const one = stringStream(first, options)
    const got: string[] = []
    one.on('data', ({ record }) => got.push(record))
    for (const text of texts(2)) one.write(text)
    await aMoment()
    const other = stringStream(scriptedClient(echo), {
      ...options,
      serialize: (text) => (text === 'bad' ? (1 as never) : text),
    })
    for (const text of texts(20)) other.write(text)
    await aMoment()
    await vi.advanceTimersByTimeAsync(1_000)
    // One request may run: the request of the first stream.
    expect([first.inFlight, other.stats.requests]).toEqual([1, 0])
    return { one, other, got, open }
  }

  it.each<[string, (other: PackStream<string, string>) => void]>([
    ['of drain', (other) => other.on('drain', fail).resume()],
    [
      'of data',
      (other) => {
        other.on('data', fail)
        other.write('bad')
      },
    ],
  ])('%s', async (_what, listen) => {
    const { one, other, got, open } = await two()
    listen(other)
    const error = errorOf(other)
    open(undefined)
    for (let i = 0; i < 20; i++) await vi.advanceTimersByTimeAsync(100)
    await aMoment()
    expect(await error).toBe(boom)
    expect(got.toSorted()).toEqual(texts(2))
    one.end('last')
    await once(one, 'close')
    expect(one.errored).toBe(null)
    expect(got.toSorted()).toEqual(['last', ...texts(2)])
  })

  it('and a stream that ends by its listener leaves the limiter to the others', async () => {
    const limiter = new RateLimiter()
    const bad = stringStream(scriptedClient(echo), { limiter, maxPackRecords: 1 }).on('data', fail)
    const good = stringStream(scriptedClient(echo), { limiter, maxPackRecords: 1 })
    const [error, outcomes] = [errorOf(bad), collect(good, texts(20))]
    for (const text of texts(20)) bad.write(text)
    expect(await error).toBe(boom)
    expect(await outcomes).toHaveLength(20)
  })
})

describe('a subscriber of diagnostics', () => {
  it('that destroys the stream when a request starts sends no request', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { linger: 0, maxPackRecords: 1 })
    const destroy = () => stream.destroy()
    subscribe('llm-pack-stream:request:start', destroy)
    onTestFinished(() => void unsubscribe('llm-pack-stream:request:start', destroy))
    for (const text of texts(8)) stream.write(text)
    await once(stream, 'close')
    await settle()
    expect([client.calls.length, stream.stats.inFlight]).toEqual([0, 0])
  })
})
