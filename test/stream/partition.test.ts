import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { collect, fakeTimers, gate, inNoTime, settle, stringStream, texts } from '../helpers/collect.ts'
import {
  answerOf,
  echo,
  scriptedClient,
  type Answer,
  type Call,
  type ScriptedClient,
} from '../helpers/scripted-client.ts'
import { runs } from '../helpers/properties.ts'

/** The text of a record holds its key: `key/text`. */
const partition = (record: string) => record.slice(0, record.indexOf('/'))
const keysOf = (call: Call) => new Set(call.records.map(({ text }) => partition(text)))
const packsOf = (client: ScriptedClient) => client.calls.map(({ records }) => records.map(({ text }) => text))
const ascending = (count: number) => Array.from({ length: count }, (_, i) => i)

/** Answers that leave records unsettled in ways that lead to retries and to halving. */
const faults = ['none', 'missing', 'length', 'refusal', 'context', 'reset', 'rate limit'] as const

function faulty(call: Call, kind: (typeof faults)[number]): Answer {
  const half = { ...call, records: call.records.slice(0, Math.floor(call.records.length / 2)) }
  const text = answerOf(half, (record) => record.text)
  switch (kind) {
    case 'missing':
      return { text }
    case 'length':
      return { text: text.slice(0, -2), finishReason: 'length' }
    case 'refusal':
      return { refusal: 'No.' }
    case 'context':
      throw Object.assign(new Error('400'), { status: 400, code: 'context_length_exceeded' })
    case 'reset':
      throw new TypeError('terminated')
    case 'rate limit':
      throw Object.assign(new Error('429'), { status: 429, headers: { 'retry-after-ms': '1' } })
    default:
      return echo(call)
  }
}

describe('records of two keys', () => {
  it('never share a request, including retries and the search for a guilty record', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...faults), { maxLength: 15 }),
        fc.array(fc.constantFrom('a', 'b', 'c', 'd', ''), { maxLength: 50 }),
        fc.record({
          maxPackRecords: fc.integer({ min: 1, max: 8 }),
          maxInFlight: fc.integer({ min: 1, max: 3 }),
          maxAttempts: fc.integer({ min: 1, max: 4 }),
          preserveOrder: fc.boolean(),
          linger: fc.constantFrom(0, 100),
        }),
        async (plan, keys, options) => {
          const client = scriptedClient((call) => {
            expect(keysOf(call).size).toBe(1)
            return faulty(call, plan[call.number] ?? 'none')
          })
          const records = keys.map((key, i) => `${key}/${i}`)
          const stream = stringStream(client, { ...options, partition })
          const outcomes = await inNoTime(() => collect(stream, records))
          const indexes = outcomes.map(({ index }) => index)
          const expected = ascending(records.length)
          expect(options.preserveOrder ? indexes : indexes.toSorted((a, b) => a - b)).toEqual(expected)
          for (const outcome of outcomes) {
            expect(outcome.record).toBe(records[outcome.index])
            if (outcome.status === 'fulfilled') expect(outcome.value).toBe(outcome.record)
          }
        },
      ),
      { numRuns: runs(300) },
    )
  })

  it('fill separate packs, in the order of each key', async () => {
    const client = scriptedClient(echo)
    const records = ascending(40).map((i) => `${'abcd'[i % 4]}/${i}`)
    await collect(stringStream(client, { partition, maxPackRecords: 5, linger: 2 ** 31 - 1 }), records)
    expect(client.calls.every((call) => call.records.length === 5)).toBe(true)
    for (const key of 'abcd') {
      const ofKey = packsOf(client)
        .flat()
        .filter((text) => partition(text) === key)
      expect(ofKey).toEqual(records.filter((record) => partition(record) === key))
    }
  })
})

describe('thousands of keys', () => {
  const records = ascending(6_000).map((i) => `key ${i % 3_000}/${i}`)

  it.each([false, true])('stay bounded, and all finish: preserveOrder %s', async (preserveOrder) => {
    const options = { partition, preserveOrder, maxPackRecords: 10, maxInFlight: 2, linger: 2 ** 31 - 1 }
    const stream = stringStream(scriptedClient(echo), { ...options, highWaterMark: 4 })
    // The records that wait for more records, the records of the running packs, and the records in
    // two buffers.
    const bound = 2 * (2 + 2) * 10 + 2 * 10 + 2 * 4
    let received = 0
    let most = 0
    for await (const outcome of Readable.from(records, { highWaterMark: 1 }).pipe(stream)) {
      if (preserveOrder) expect(outcome.index).toBe(received)
      most = Math.max(most, stream.stats.records.read - received)
      received += 1
    }
    expect(received).toBe(records.length)
    expect(most).toBeGreaterThan(40)
    expect(most).toBeLessThanOrEqual(bound)
  })

  it('of one record each stop the source while requests run', async () => {
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => {
      await opened
      return echo(call)
    })
    const stream = stringStream(client, { partition: (record) => record, maxPackRecords: 10, maxInFlight: 2 })
    const outcomes = Readable.from(texts(1_000)).pipe(stream).toArray()
    await settle()
    expect(client.inFlight).toBe(2)
    expect(stream.stats.records.read).toBeLessThanOrEqual(2 * (2 + 2) * 10 + 2)
    open()
    expect(await outcomes).toHaveLength(1_000)
  })

  it('do not wait forever if one of them is frequent', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { partition, maxPackRecords: 5, maxInFlight: 1, linger: 2 ** 31 - 1 })
    let rareAfter: number | undefined
    let received = 0
    const source = ['rare/0', ...ascending(2_000).map((i) => (i % 2 ? `frequent/${i}` : `odd ${i}/${i}`))]
    for await (const outcome of Readable.from(source).pipe(stream)) {
      received += 1
      if (outcome.record === 'rare/0') rareAfter = received
    }
    // It is the oldest key when too many records wait.
    expect(rareAfter).toBeLessThan(200)
  })
})

describe('linger', () => {
  it('counts from the first record of each key', async () => {
    fakeTimers()
    const client = scriptedClient(echo)
    const stream = stringStream(client, { partition, linger: 100 })
    stream.write('a/0')
    await vi.advanceTimersByTimeAsync(60)
    stream.write('b/1')
    stream.write('a/2')
    await vi.advanceTimersByTimeAsync(39)
    expect(packsOf(client)).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(packsOf(client)).toEqual([['a/0', 'a/2']])
    await vi.advanceTimersByTimeAsync(59)
    expect(client.calls).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(packsOf(client)).toEqual([['a/0', 'a/2'], ['b/1']])
    stream.destroy()
  })

  it('is cut short by flush() and by the end, for every key', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { partition, linger: 2 ** 31 - 1 })
    stream.resume()
    for (const record of ['a/0', 'b/1', 'a/2']) stream.write(record)
    stream.flush()
    await settle()
    expect(packsOf(client)).toEqual([['a/0', 'a/2'], ['b/1']])
    for (const record of ['c/3', 'b/4', 'c/5']) stream.write(record)
    stream.end()
    await settle()
    expect(packsOf(client).slice(2)).toEqual([['c/3', 'c/5'], ['b/4']])
  })
})

describe('a partition function that', () => {
  it.each<[string, (record: string) => unknown, string]>([
    ['returns nothing', () => undefined, 'got undefined'],
    ['returns null', () => null, 'got null'],
    ['returns a number', () => 5, 'got 5'],
    ['returns an object', (record) => ({ record }), 'got object'],
    ['returns a promise', (record) => Promise.resolve(record), 'got object'],
    [
      'throws',
      (record) => {
        throw new RangeError(record)
      },
      '`partition` threw RangeError',
    ],
  ])('%s rejects its record, and no other', async (_, bad, part) => {
    const client = scriptedClient(echo)
    const mixed = (record: string) => (record === 'bad secret' ? bad(record) : 'key') as string
    const stream = stringStream(client, { partition: mixed })
    const outcomes = await collect(stream, ['a', 'bad secret', 'b'])
    const [rejected, ...others] = outcomes
    expect(rejected).toMatchObject({
      ...{ status: 'rejected', index: 1, record: 'bad secret', attempts: 0 },
      reason: { code: 'invalid_record', message: expect.stringContaining(part) as string },
    })
    expect(JSON.stringify(rejected?.status === 'rejected' && rejected.reason)).not.toContain('secret')
    expect(rejected?.status === 'rejected' && rejected.reason.message).not.toContain('secret')
    expect(others).toMatchObject([
      { record: 'a', status: 'fulfilled' },
      { record: 'b', status: 'fulfilled' },
    ])
    expect(packsOf(client)).toEqual([['a', 'b']])
  })
})

it('identical records of two keys are sent separately, also with a cache', async () => {
  const cache = new Map<string, string>()
  let count = 0
  const alternating = () => `tenant ${count++ % 2}`
  for (const asked of [2, 0]) {
    const client = scriptedClient(echo)
    await collect(stringStream(client, { cache, partition: alternating }), ['same', 'same', 'same', 'same'])
    expect(packsOf(client)).toEqual(Array(asked).fill(['same']))
  }
})
