import { finished } from 'node:stream/promises'
import fc from 'fast-check'
import { PackStream, PackStreamError, type Outcome } from 'llm-pack-stream'
import { APIError } from 'openai'
import { describe, expect, expectTypeOf, it, vi } from 'vitest'
import * as z from 'zod'
import { fakeTimers, gate, inNoTime, settle, stringStream, texts } from '../helpers/collect.ts'
import { runs } from '../helpers/properties.ts'
import { answerOf, echo, scriptedClient, type Call } from '../helpers/scripted-client.ts'

const sent = (client: { calls: readonly Call[] }) =>
  client.calls.map(({ records }) => records.map(({ text }) => text))

describe('ask()', () => {
  it('gives the outcome of its record, by the types of the stream', async () => {
    const stream = new PackStream({
      ...{ client: scriptedClient(echo), model: 'm', instructions: '', schema: z.string(), linger: 0 },
      serialize: ({ text }: { text: string }) => text,
    })
    const outcome = await stream.ask({ text: 'a' })
    expectTypeOf(outcome).toEqualTypeOf<Outcome<{ text: string }, string>>()
    expect(outcome).toMatchObject({ status: 'fulfilled', index: 0, record: { text: 'a' }, value: 'a' })
    expect(stream.readableLength).toBe(0)
  })

  it('puts the records of all callers into packs that wait for `linger`', async () => {
    fakeTimers()
    const client = scriptedClient(echo)
    const stream = stringStream(client, { linger: 100, maxPackRecords: 3 })
    const asked = ['a', 'b', 'c', 'd'].map((record) => stream.ask(record))
    await vi.advanceTimersByTimeAsync(99)
    expect(sent(client)).toEqual([['a', 'b', 'c']])
    await vi.advanceTimersByTimeAsync(1)
    expect((await Promise.all(asked)).map(({ index }) => index)).toEqual([0, 1, 2, 3])
    expect(sent(client)).toEqual([['a', 'b', 'c'], ['d']])
  })

  it('needs no consumer, for any number of records, and the stream ends and closes', async () => {
    const stream = stringStream(scriptedClient(echo), { linger: 0, highWaterMark: 1 })
    const outcomes = await Promise.all(texts(200).map((text) => stream.ask(text)))
    expect(outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value)).toEqual(texts(200))
    stream.end()
    await finished(stream)
    expect(stream.stats.records).toMatchObject({ read: 200, fulfilled: 200 })
  })

  it('gives rejected records as outcomes', async () => {
    const stream = stringStream(
      scriptedClient((call) => ({ text: answerOf(call, () => 5) })),
      { linger: 0, maxAttempts: 1 },
    )
    expect(await stream.ask('a')).toMatchObject({ status: 'rejected', reason: { code: 'invalid_result' } })
  })

  it('and write() may be mixed: each outcome leaves once, by the way its record came', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { maxLength: 30 }),
        fc.boolean(),
        async (isAsked, preserveOrder) => {
          await inNoTime(async () => {
            const stream = stringStream(scriptedClient(echo), { preserveOrder, maxPackRecords: 4 })
            const asked: Promise<Outcome<string, string>>[] = []
            for (const [i, byAsk] of isAsked.entries()) {
              if (byAsk) asked.push(stream.ask(`text ${i}`))
              else stream.write(`text ${i}`)
            }
            stream.end()
            const written: number[] = []
            for await (const { index } of stream) written.push(index)
            const answered = (await Promise.all(asked)).map(({ index }) => index)
            expect(answered).toEqual(isAsked.flatMap((byAsk, i) => (byAsk ? [i] : [])))
            expect(written.toSorted((a, b) => a - b)).toEqual(
              isAsked.flatMap((byAsk, i) => (byAsk ? [] : [i])),
            )
            if (preserveOrder) expect(written).toEqual(written.toSorted((a, b) => a - b))
          })
        },
      ),
      { numRuns: runs(30) },
    )
  })

  it('shares results by the cache', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { linger: 0, cache: new Map() })
    const twins = await Promise.all([stream.ask('a'), stream.ask('a')])
    expect(twins).toMatchObject([
      { value: 'a', index: 0 },
      { value: 'a', index: 1 },
    ])
    expect(await stream.ask('a')).toMatchObject({ value: 'a', attempts: 0 })
    expect(sent(client)).toEqual([['a']])
  })

  it('leaves with flush(), also where a call was aborted before', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { linger: 60_000, maxPackRecords: 10 })
    const { signal, abort } = abortable()
    const kept = stream.ask('a')
    const gone = stream.ask('b', { signal })
    stream.flush()
    abort()
    await expect(gone).rejects.toThrow('mine')
    expect(await kept).toMatchObject({ value: 'a' })
  })
})

function abortable() {
  const controller = new AbortController()
  return {
    signal: controller.signal,
    abort: () => {
      controller.abort(new Error('mine'))
    },
  }
}

describe('a call of ask() that is aborted', () => {
  it('rejects, and its record is not sent if the stream has not read it', async () => {
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => {
      await opened
      return echo(call)
    })
    const stream = stringStream(client, { linger: 0, maxInFlight: 1, maxPackRecords: 1 })
    const first = texts(4).map((text) => stream.ask(text))
    await settle()
    const { signal, abort } = abortable()
    const gone = stream.ask('gone', { signal })
    const last = stream.ask('last')
    abort()
    await expect(gone).rejects.toThrow('mine')
    open()
    await Promise.all([...first, last])
    expect(sent(client).flat()).toEqual([...texts(4), 'last'])
    expect(stream.stats.records).toMatchObject({ read: 5, fulfilled: 5 })
  })

  it('gets no outcome that comes later, and neither does the readable side', async () => {
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => {
      await opened
      return echo(call)
    })
    const stream = stringStream(client, { linger: 0 })
    const { signal, abort } = abortable()
    const gone = stream.ask('gone', { signal })
    await settle()
    expect(client.calls).toHaveLength(1)
    abort()
    await expect(gone).rejects.toThrow('mine')
    open()
    stream.end()
    for await (const outcome of stream) expect.fail(`an outcome for ${outcome.record}`)
    expect(stream.stats.records.fulfilled).toBe(1)
  })

  it('before it began, writes nothing', async () => {
    const stream = stringStream(scriptedClient(echo))
    await expect(stream.ask('a', { signal: AbortSignal.abort(new Error('mine')) })).rejects.toThrow('mine')
    expect(stream.writableLength).toBe(0)
  })
})

describe('when the stream fails', () => {
  it('all calls get its error, also the calls that have not been read, and no listener is needed', async () => {
    const client = scriptedClient(() => {
      throw APIError.generate(401, { error: { message: 'no' } }, 'no', new Headers())
    })
    const stream = stringStream(client, { linger: 0, highWaterMark: 1, maxPackRecords: 1 })
    const results = await Promise.allSettled(texts(50).map((text) => stream.ask(text)))
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'not_authorized' } })
      expect(result.status === 'rejected' && result.reason).toBeInstanceOf(PackStreamError)
    }
    await expect(stream.ask('later')).rejects.toMatchObject({ code: 'not_authorized' })
  })

  it('by destroy(), stop() or the signal of the stream, all calls are rejected', async () => {
    const never = () => scriptedClient(() => new Promise(() => undefined))
    const byDestroy = stringStream(never(), { linger: 0 })
    const destroyed = byDestroy.ask('a')
    byDestroy.destroy()
    await expect(destroyed).rejects.toThrow('The stream was destroyed')
    await expect(byDestroy.ask('b')).rejects.toThrow('The stream was destroyed')

    const controller = new AbortController()
    const aborted = stringStream(never(), { linger: 0, signal: controller.signal }).ask('a')
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })

    const byStop = stringStream(scriptedClient(echo))
    const stopped = byStop.ask('a')
    byStop.stop()
    await expect(stopped).rejects.toMatchObject({ code: 'stopped' })
  })

  it('a call after the end is rejected and does not harm the others', async () => {
    const stream = stringStream(scriptedClient(echo))
    const asked = stream.ask('a')
    stream.end()
    await expect(stream.ask('b')).rejects.toThrow('after the end')
    expect(await asked).toMatchObject({ value: 'a' })
  })

  it('null is refused, as write() does', async () => {
    await expect(stringStream(scriptedClient(echo)).ask(null as never)).rejects.toThrow(TypeError)
  })
})
