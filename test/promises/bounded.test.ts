import { describe, expect, it } from 'vitest'
import { collect, countedSource, gate, settle, stringStream, texts } from '../helpers/collect.ts'
import { answerOf, echo, scriptedClient } from '../helpers/scripted-client.ts'

describe('backpressure to the source', () => {
  it.each([1, 3])('stops reading when %i requests run and two packs wait', async (maxInFlight) => {
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => {
      await opened
      return echo(call)
    })
    const stream = stringStream(client, { maxInFlight, maxPackRecords: 5, writableHighWaterMark: 1 })
    const source = countedSource(1_000)
    const outcomes = source.stream.pipe(stream).toArray()
    await settle()
    expect(client.inFlight).toBe(maxInFlight)
    // The running packs, two full packs behind them, and the records in Node's buffers: one in each
    // buffer here, and one in hand.
    const inPacks = 5 * (maxInFlight + 2)
    expect(source.taken).toBeGreaterThanOrEqual(inPacks)
    expect(source.taken).toBeLessThanOrEqual(inPacks + 3)
    open()
    expect(await outcomes).toHaveLength(1_000)
    expect(client.maxInFlight).toBe(maxInFlight)
  })

  it('never runs more than maxInFlight requests, retries included', async () => {
    const client = scriptedClient((call) => (call.number % 2 ? echo(call) : { text: '{"results":[]}' }))
    await collect(stringStream(client, { maxInFlight: 3, maxPackRecords: 4, maxAttempts: 9 }), texts(200))
    expect(client.maxInFlight).toBe(3)
  })
})

describe('backpressure from the reader', () => {
  it('stops reading the answers, element by element, while no consumer takes outcomes', async () => {
    let given = 0
    const client = scriptedClient((call) => ({ text: elements(call.records) }))
    function* elements(records: readonly { id: number; text: string }[]): Generator<string> {
      yield '{"results":['
      for (const { id, text } of records) {
        given += 1
        yield `${id === 1 ? '' : ','}${JSON.stringify({ id, value: text })}`
      }
      yield ']}'
    }
    const stream = stringStream(client, { maxInFlight: 2, maxPackRecords: 50, readableHighWaterMark: 4 })
    for (const text of texts(100)) stream.write(text)
    stream.end()
    await settle()
    // Four outcomes are buffered. Each of the two readers may have been one element ahead when the
    // buffer became full.
    expect(given).toBeGreaterThanOrEqual(4)
    expect(given).toBeLessThanOrEqual(6)
    expect(stream.readableLength).toBeLessThanOrEqual(6)
    expect(await stream.toArray()).toHaveLength(100)
  })

  it('emits the elements of one big delta only when the consumer takes them', async () => {
    const stream = stringStream(scriptedClient(echo), { maxPackRecords: 100, readableHighWaterMark: 3 })
    for (const text of texts(100)) stream.write(text)
    stream.end()
    await settle()
    expect(stream.readableLength).toBe(3)
    expect(await stream.toArray()).toHaveLength(100)
  })

  it('slows the source also if its records cannot be packed', async () => {
    const source = countedSource(10_000)
    const serialize = (record: string) =>
      Number(record.slice(5)) < 40 ? record : (null as unknown as string)
    const stream = source.stream.pipe(stringStream(scriptedClient(echo), { serialize }))
    await new Promise((resolve) => setTimeout(resolve, 50))
    // No consumer reads. The stream has taken the good records and the content of two buffers of
    // 16.
    expect(source.taken).toBeLessThan(40 + 16 * 2 + 5)
    expect(await stream.toArray()).toHaveLength(10_000)
  })

  it('lets a slow consumer slow the source', async () => {
    const source = countedSource(1_000)
    const stream = source.stream.pipe(
      stringStream(scriptedClient(echo), { maxPackRecords: 5, maxInFlight: 2 }),
    )
    let received = 0
    for await (const outcome of stream) {
      expect(outcome.status).toBe('fulfilled')
      received += 1
      if (received <= 100) await settle()
      // Two running packs, two waiting packs, Node's buffers of 16 on both sides, and one record in
      // hand at each place.
      expect(source.taken - received).toBeLessThanOrEqual(5 * 4 + 16 * 2 + 5)
    }
    expect(received).toBe(1_000)
  })
})

describe('order', () => {
  it('is not a reason to wait for records that cannot come', async () => {
    const serialize = (record: string) => (record === 'good' ? record : (undefined as unknown as string))
    const stream = stringStream(scriptedClient(echo), { preserveOrder: true, linger: 2 ** 31 - 1, serialize })
    const outcomes = await collect(stream, ['good', ...texts(400)])
    expect(outcomes.map(({ index }) => index)).toEqual(texts(401).map((_, i) => i))
  })

  it('stays bounded behind a slow record, and goes on when the record settles', async () => {
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => {
      if (call.number === 0) await opened
      return { text: answerOf(call, ({ text }) => text) }
    })
    const options = { preserveOrder: true, maxInFlight: 2, maxPackRecords: 5, writableHighWaterMark: 1 }
    const source = countedSource(1_000)
    const stream = source.stream.pipe(stringStream(client, options))
    const outcomes = stream.toArray()
    await settle()
    const window = 2 * (2 + 2) * 5
    expect(source.taken).toBeGreaterThanOrEqual(window)
    expect(source.taken).toBeLessThanOrEqual(window + 3)
    open()
    expect((await outcomes).map(({ index }: { index: number }) => index)).toEqual(
      texts(1_000).map((_, i) => i),
    )
  })
})
