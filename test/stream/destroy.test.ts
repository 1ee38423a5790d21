import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, it, vi } from 'vitest'
import { PackStreamError } from 'llm-pack-stream'
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import { collect, fakeTimers, gate, settle, stringStream, texts } from '../helpers/collect.ts'
import { echo, scriptedClient } from '../helpers/scripted-client.ts'
import { idAt } from '../../src/request/ids.ts'

/** The `pipeline` of this version gives an AbortError instead of the first error. */
const isLowestNode = process.versions.node.startsWith('22.12.')

/**
 * A client that answers the first record of each request, and the other records when the gate
 * opens.
 */
function halting() {
  const { opened, open } = gate()
  const client = scriptedClient((call) => ({
    text: (async function* () {
      yield `{"results":[{"id":${idAt(0)},"value":"first"}`
      await opened
      yield `,{"id":${idAt(1)},"value":"second"}]}`
    })(),
    finishReason: call.number < 0 ? null : 'stop',
  }))
  return { client, open }
}

/** A client that answers the first request with a 429 and these headers. */
function limitedOnce(headers: Record<string, string>) {
  return scriptedClient((call) => {
    if (call.number > 0) return echo(call)
    throw Object.assign(new Error('slow down'), { status: 429, headers: new Headers(headers) })
  })
}

describe('destroy', () => {
  it('aborts every request, and emits no outcome afterwards', async () => {
    const { client, open } = halting()
    const stream = stringStream(client, { maxPackRecords: 2, maxInFlight: 2 })
    const outcomes: unknown[] = []
    stream.on('data', (outcome) => outcomes.push(outcome))
    stream.on('error', () => undefined)
    for (const text of texts(10)) stream.write(text)
    await settle()
    expect(outcomes).toHaveLength(2)
    stream.destroy(new Error('enough'))
    expect(client.calls.map(({ signal }) => signal.aborted)).toEqual([true, true])
    open()
    await settle()
    expect(outcomes).toHaveLength(2)
    expect(stream.stats.records).toEqual({ read: 8, fulfilled: 2, rejected: 0, unsettled: 6 })
    expect(client.calls).toHaveLength(2)
  })

  it('ends an answer whose reader waits for the consumer', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { readableHighWaterMark: 1, maxPackRecords: 5 })
    for (const text of texts(5)) stream.write(text)
    stream.flush()
    await settle()
    expect(client.inFlight).toBe(1)
    stream.destroy()
    await settle()
    expect(client.inFlight).toBe(0)
  })

  it('leaves the answer of a client that does not know the signal', async () => {
    let chunks = 0
    async function* endless() {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve))
        chunks += 1
        yield { id: 'x', choices: [{ index: 0, delta: { content: ' ' } }] } as ChatCompletionChunk
      }
    }
    const create = () => Promise.resolve(endless())
    const stream = stringStream({ chat: { completions: { create } } })
    stream.write('a')
    stream.flush()
    await settle()
    stream.destroy()
    await settle()
    const seen = chunks
    await settle()
    expect(chunks).toBe(seen)
  })

  it('calls every waiting write back with the error', async () => {
    const { client } = halting()
    const stream = stringStream(client, { maxPackRecords: 1, maxInFlight: 1 })
    stream.on('error', () => undefined)
    const failed: string[] = []
    for (const text of texts(8)) stream.write(text, (error) => error && failed.push(text))
    await settle()
    stream.destroy(new Error('enough'))
    await settle()
    expect(failed).toEqual(texts(8).slice(2))
  })

  it('leaves no timer of a lingering pack or of a pause', async () => {
    fakeTimers()
    const stream = stringStream(
      scriptedClient(() => {
        throw Object.assign(new Error('busy'), { status: 503 })
      }),
      { linger: 10 },
    )
    stream.write('a')
    await vi.advanceTimersByTimeAsync(10)
    stream.write('b')
    await settle()
    // One alarm serves both.
    expect(vi.getTimerCount()).toBe(1)
    stream.destroy()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('happens when the signal aborts, with an AbortError', async () => {
    const { client } = halting()
    const controller = new AbortController()
    const stream = stringStream(client, { signal: controller.signal })
    stream.write('a')
    stream.write('b')
    stream.flush()
    await settle()
    controller.abort()
    await expect(once(stream, 'end')).rejects.toMatchObject({ name: 'AbortError' })
    expect(client.calls[0]?.signal.aborted).toBe(true)
  })

  it('happens with a signal that was aborted before', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { signal: AbortSignal.abort() })
    await expect(once(stream, 'end')).rejects.toMatchObject({ name: 'AbortError' })
    await expect(collect(stream, texts(5))).rejects.toThrow(isLowestNode ? /aborted/ : /destroyed/)
    expect(client.calls).toEqual([])
  })

  it('happens when for await is left', async () => {
    const { client } = halting()
    const source = Readable.from(texts(1_000))
    const stream = source.pipe(stringStream(client, { maxPackRecords: 5 }))
    for await (const outcome of stream) {
      expect(outcome.status).toBe('fulfilled')
      break
    }
    expect(stream.destroyed).toBe(true)
    expect(client.calls.length).toBeGreaterThan(0)
    expect(client.calls.every(({ signal }) => signal.aborted)).toBe(true)
  })

  it('happens when a consumer in a pipeline fails', async () => {
    const { client } = halting()
    const stream = stringStream(client, { maxPackRecords: 5 })
    const failing = async (outcomes: AsyncIterable<unknown>) => {
      for await (const outcome of outcomes) throw new Error(`cannot write ${typeof outcome}`)
    }
    await expect(pipeline(Readable.from(texts(100)), stream, failing)).rejects.toThrow(
      isLowestNode ? 'aborted' : 'cannot write object',
    )
    expect(stream.destroyed).toBe(true)
    expect(client.calls.every(({ signal }) => signal.aborted)).toBe(true)
  })
})

describe('a fatal error', () => {
  it.each([
    // Errors of the account, the key or the model are always fatal.
    [401, null, 1, 'not_authorized', /key/],
    [402, null, 1, 'insufficient_quota', /billing/],
    [404, 'model_not_found', 1, 'not_found', /model/],
    [429, 'insufficient_quota', 1, 'insufficient_quota', /billing/],
    [429, 'billing_not_active', 1, 'insufficient_quota', /billing/],
    [400, 'billing_hard_limit_reached', 1, 'insufficient_quota', /billing/],
    [403, 'invalid_api_key', 1, 'not_authorized', /key/],
    // Errors of the request are fatal if the server has accepted no request, and has refused two
    // records alone.
    [400, null, 0, 'bad_request', /schema/],
    [403, null, 0, 'not_authorized', /key/],
    [422, null, 0, 'bad_request', /schema/],
  ])(
    '%i %s, from request %i on, ends the stream at once and says what to do',
    async (status, code, at, expected, message) => {
      const thrown = Object.assign(new Error('as the API says'), { status, code })
      const client = scriptedClient((call) => {
        if (call.number >= at) throw thrown
        return echo(call)
      })
      const stream = stringStream(client, { maxPackRecords: 5, maxInFlight: 1 })
      const received: unknown[] = []
      const error: unknown = await pipeline(Readable.from(texts(100)), stream, async (outcomes) => {
        for await (const outcome of outcomes) received.push(outcome)
      }).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(PackStreamError)
      expect(error).toMatchObject({
        code: expected,
        cause: {
          name: 'RequestError',
          code: 'api_error',
          status,
          apiCode: code ?? undefined,
          original: thrown,
        },
      })
      expect((error as PackStreamError).message).toMatch(message)
      expect((error as PackStreamError).message).toContain('The server said: "as the API says"')
      const { read, fulfilled } = stream.stats.records
      expect((error as PackStreamError).unsettled).toBe(read - received.length)
      expect(fulfilled).toBe(5 * at)
      expect(client.calls).toHaveLength(at === 0 ? 3 : at + 1)
    },
  )
})

describe('a stop from outside', () => {
  it('leaves no request in flight in the accounts, and counts the running requests', async () => {
    const { client, open } = halting()
    const stream = stringStream(client, {
      maxPackRecords: 2,
      maxInFlight: 2,
      pricing: { input: 1, output: 1 },
    })
    for (const text of texts(10)) stream.write(text)
    for await (const outcome of stream) {
      expect(outcome.status).toBe('fulfilled')
      break
    }
    open()
    await settle()
    expect(stream.stats.inFlight).toBe(0)
    expect(stream.stats.tokens.estimated).toBeGreaterThan(0)
    expect(stream.stats.cost).toBeGreaterThan(0)
  })

  it('stops sending, also if a client destroys the stream', async () => {
    const client = scriptedClient((call) => {
      stream.destroy()
      return echo(call)
    })
    const stream = stringStream(client, { maxPackRecords: 1, maxInFlight: 4, linger: 1_000 })
    for (const text of texts(4)) stream.write(text)
    stream.flush()
    await settle()
    expect(client.calls).toHaveLength(1)
  })

  it('leaves no timer, also if a rejection waits for the consumer while its neighbours wait to be sent again', async () => {
    fakeTimers()
    const busy = Object.assign(new Error('busy'), { status: 503, headers: { 'retry-after': '8' } })
    const client = scriptedClient((call) => {
      // Sent alone once, so that it has fewer attempts left than its neighbours.
      if (call.number === 0) return { text: '{"results":[]}' }
      throw busy
    })
    const stream = stringStream(client, {
      maxAttempts: 2,
      maxInFlight: 1,
      readableHighWaterMark: 1,
      linger: 0,
    })
    stream.write('a')
    await vi.advanceTimersByTimeAsync(1)
    stream.write('b')
    await vi.advanceTimersByTimeAsync(100)
    stream.destroy()
    await settle()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a pause', () => {
  it('after a 429 delays every request for the time that the server asks for, and uses no attempt', async () => {
    fakeTimers()
    const client = limitedOnce({ 'retry-after': '7' })
    const stream = stringStream(client, { maxPackRecords: 2, maxInFlight: 2, maxAttempts: 1, linger: 0 })
    stream.resume()
    stream.write('a')
    await vi.advanceTimersByTimeAsync(1)
    expect(client.calls).toHaveLength(1)
    stream.write('b')
    await vi.advanceTimersByTimeAsync(10)
    // A time in which the record would be sent if that were allowed. Other events must not change
    // this.
    stream.write('c')
    await vi.advanceTimersByTimeAsync(6_988)
    expect(client.calls).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(3)
    expect(
      client.calls
        .slice(1)
        .flatMap(({ records }) => records.map(({ text }) => text))
        .sort(),
    ).toEqual(['a', 'b', 'c'])
    expect(stream.stats.records).toMatchObject({ fulfilled: 3, rejected: 0 })
    stream.destroy()
  })

  it('that ends between two ticks of the clock does not forget its records', async () => {
    // Real timers may fire a fraction of a ms before the requested time.
    const once429 = async () => {
      const client = limitedOnce({ 'retry-after-ms': '9.9' })
      return collect(stringStream(client, { linger: 0 }), ['a'])
    }
    const outcomes = await Promise.all(Array.from({ length: 50 }, once429))
    expect(outcomes.flat().map(({ status }) => status)).toEqual(Array(50).fill('fulfilled'))
  })

  it('ends in time, also with a very long linger', async () => {
    // Real timers, like above.
    const lingering = async () => {
      const client = limitedOnce({ 'retry-after-ms': '9.9' })
      const stream = stringStream(client, { linger: 2 ** 31 - 1 })
      stream.write('a')
      stream.flush()
      stream.write('b')
      const [outcome] = (await once(stream, 'data')) as [{ record: string }]
      stream.destroy()
      return outcome.record
    }
    const records = await Promise.all(Array.from({ length: 100 }, lingering))
    expect(new Set(records)).toEqual(new Set(['a']))
  })

  it('does not happen if no record is left to send', async () => {
    fakeTimers()
    const busy = Object.assign(new Error('busy'), { status: 503, headers: { 'retry-after': '30' } })
    const rejecting = stringStream(
      scriptedClient(() => {
        throw busy
      }),
      { maxAttempts: 1, maxInFlight: 1, maxPackRecords: 1 },
    )
    const silent = stringStream(scriptedClient((call) => ({ ...echo(call), finishReason: null })))
    for (const stream of [rejecting, silent]) {
      const outcomes = stream.toArray()
      stream.write('a')
      stream.end('b')
      expect(await outcomes).toHaveLength(2)
      expect(stream.stats.inFlight).toBe(0)
    }
    expect(vi.getTimerCount()).toBe(0)
  })

  it('after a server error grows, and ends after maxAttempts', async () => {
    fakeTimers()
    const times: number[] = []
    const broken = Object.assign(new Error('broken'), { status: 500 })
    const client = scriptedClient(() => {
      times.push(performance.now())
      throw broken
    })
    const stream = stringStream(client, { linger: 0 })
    const outcomes = stream.toArray()
    stream.end('a')
    await vi.advanceTimersByTimeAsync(20_000)
    const pauses = times.slice(1).map((time, i) => time - (times[i] ?? 0))
    expect(pauses).toHaveLength(3)
    pauses.forEach((pause, i) => {
      expect(pause).toBeGreaterThanOrEqual(500 * 2 ** i * 0.75)
      expect(pause).toBeLessThanOrEqual(500 * 2 ** i + 1)
    })
    expect(await outcomes).toMatchObject([
      {
        status: 'rejected',
        attempts: 4,
        reason: { code: 'request_failed', cause: { status: 500, original: broken } },
      },
    ])
  })
})
