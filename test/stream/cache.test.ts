import { once } from 'node:events'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import Keyv from 'keyv'
import {
  PackStream,
  RateLimiter,
  type CacheStore,
  type Outcome,
  type PackStreamOptions,
} from 'llm-pack-stream'
import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { ResultCache } from '../../src/cache/result-cache.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import {
  collect,
  fakeTimers,
  gate,
  inNoTime,
  settle,
  stringStream,
  texts,
  patient,
} from '../helpers/collect.ts'
import { runs } from '../helpers/properties.ts'
import { answerOf, echo, scriptedClient, type Answer, type Call } from '../helpers/scripted-client.ts'

type Options = Partial<PackStreamOptions<string, string>>

/** Runs records with a store and a model, an echo by default. Returns the texts that were sent. */
async function run(
  cache: CacheStore,
  records: Iterable<string>,
  options: Options = {},
  script: (call: Call) => Answer = echo,
) {
  const client = scriptedClient(script)
  const stream = stringStream(client, { cache, ...options })
  const outcomes = await collect(stream, records)
  const asked = client.calls.flatMap((call) => call.records.map(({ text }) => text))
  return { outcomes, asked, stats: stream.stats }
}

const broken = (): never => {
  throw new Error('broken store')
}
const rejecting = (): Promise<never> => Promise.reject(new Error('broken store'))
const tick = () => new Promise((resolve) => setImmediate(resolve))

/** A store that answers later. */
function slowStore(): CacheStore {
  const map = new Map<string, string>()
  return {
    get: (key) => tick().then(() => map.get(key)),
    set: (key, value) => tick().then(() => map.set(key, value)),
  }
}

const ascending = (count: number) => Array.from({ length: count }, (_, i) => i)
const indexesOf = (outcomes: readonly Outcome<string, string>[]) => outcomes.map(({ index }) => index)
const inOrder = (outcomes: readonly Outcome<string, string>[]) =>
  outcomes.toSorted((a, b) => a.index - b.index)

describe('a second run with the same store', () => {
  it.each<[string, () => CacheStore]>([
    ['a Map', () => new Map<string, string>()],
    ['a Keyv', () => new Keyv()],
    ['a Keyv with a namespace, over a Map', () => new Keyv({ store: new Map(), namespace: 'labels' })],
    ['a slow store', slowStore],
  ])('sends no request: %s', async (_, store) => {
    const cache = store()
    const first = await run(cache, texts(60))
    expect(first.asked).toEqual(texts(60))
    expect(first.stats.cache).toEqual({ hits: 0, shared: 0, failures: 0 })

    const second = await run(cache, texts(60))
    expect(second.asked).toEqual([])
    expect(second.outcomes).toEqual(
      texts(60).map((text, index) => ({
        status: 'fulfilled',
        index,
        record: text,
        value: text,
        attempts: 0,
      })),
    )
    expect(second.stats).toMatchObject({
      ...{ requests: 0, records: { read: 60, fulfilled: 60, rejected: 0, unsettled: 0 } },
      ...{ tokens: { input: 0, output: 0 }, cache: { hits: 60, shared: 0, failures: 0 } },
    })
  })

  it.each([false, true])('sends only new records, preserveOrder %s', async (preserveOrder) => {
    const cache = new Map<string, string>()
    await run(cache, texts(40).slice(10, 30))
    const { outcomes, asked, stats } = await run(cache, texts(40), { preserveOrder })
    expect(asked.toSorted()).toEqual([...texts(10), ...texts(40).slice(30)].toSorted())
    expect(indexesOf(preserveOrder ? outcomes : inOrder(outcomes))).toEqual(ascending(40))
    expect(
      outcomes.every((outcome) => outcome.status === 'fulfilled' && outcome.value === outcome.record),
    ).toBe(true)
    expect(stats.cache.hits).toBe(20)
  })

  it('sends rejected records again', async () => {
    const cache = new Map<string, string>()
    const invalid = (call: Call): Answer => ({ text: answerOf(call, () => 42) })
    const first = await run(cache, texts(3), { maxAttempts: 1 }, invalid)
    expect(first.outcomes.map(({ status }) => status)).toEqual(Array(3).fill('rejected'))
    expect(cache.size).toBe(0)
    expect((await run(cache, texts(3))).asked).toEqual(texts(3))
  })

  it('sends flushed records at once, also behind a lookup', async () => {
    fakeTimers()
    const cache = slowStore()
    const client = scriptedClient(echo)
    const stream = stringStream(client, { cache, linger: 2 ** 31 - 1 })
    stream.write('a')
    stream.flush()
    await settle()
    expect(client.calls).toHaveLength(1)
    for (const text of texts(3)) stream.write(text)
    stream.flush()
    stream.write('later')
    for (let i = 0; i < 5; i++) await settle()
    expect(client.calls.map(({ records }) => records.length)).toEqual([1, 3])
    stream.destroy()
  })
})

describe('a failing store causes a request, and never loses an outcome', () => {
  const oddThenable = {
    get then(): never {
      throw new Error('odd')
    },
  }
  it.each<[what: string, failures: number, store: Partial<CacheStore>]>([
    ['get throws', 3, { get: broken }],
    ['get rejects', 3, { get: rejecting }],
    ['set throws', 3, { set: broken }],
    ['set rejects', 3, { set: rejecting }],
    ['both throw', 6, { get: broken, set: broken }],
    ['both reject', 6, { get: rejecting, set: rejecting }],
    ['get and set give an odd thenable', 6, { get: () => oddThenable, set: () => oddThenable }],
    ['get returns null', 0, { get: () => null }],
    ['get returns a number', 0, { get: () => 5 }],
    ['get returns an object', 0, { get: () => ({ value: 'stale' }) }],
    ['get returns bytes', 0, { get: () => Buffer.from('"stale"') }],
    ['get returns nothing', 0, { get: () => '' }],
    ['get returns no JSON', 0, { get: () => 'stale' }],
    ['get returns cut JSON', 0, { get: () => '"sta' }],
    ['get returns what the schema refuses', 0, { get: () => '42' }],
    ['get resolves to what the schema refuses', 0, { get: () => Promise.resolve('{"value":"stale"}') }],
  ])('%s', async (_, failures, store) => {
    const map = new Map<string, string>()
    const cache = { get: () => undefined, set: (key: string, value: string) => map.set(key, value), ...store }
    const { outcomes, asked, stats } = await run(cache, texts(3))
    expect(asked).toEqual(texts(3))
    expect(outcomes).toMatchObject(
      texts(3).map((text) => ({ status: 'fulfilled', value: text, attempts: 1 })),
    )
    expect(stats.cache).toEqual({ hits: 0, shared: 0, failures })
    // Values that were found and could not be used have been overwritten.
    expect([...map.values()]).toEqual(store.set ? [] : texts(3).map((text) => JSON.stringify(text)))
  })

  const never = () => new Promise<never>(() => undefined)

  it('a `get` that never resolves is a miss after 10 s', async () => {
    fakeTimers()
    const client = scriptedClient(echo)
    const stream = stringStream(client, { cache: { get: never, set: () => undefined }, linger: 0 })
    const outcomes = stream.toArray()
    stream.end('a')
    await vi.advanceTimersByTimeAsync(9_999)
    expect(client.calls).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(100)
    expect(await outcomes).toMatchObject([{ status: 'fulfilled', value: 'a', attempts: 1 }])
    expect(stream.stats.cache).toEqual({ hits: 0, shared: 0, failures: 1 })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('a store that never answers is not used after three times', async () => {
    fakeTimers()
    const get = vi.fn(never)
    const stream = stringStream(scriptedClient(echo), { cache: { get, set: () => undefined }, linger: 0 })
    const outcomes = stream.toArray()
    for (const text of texts(20)) stream.write(text)
    stream.end()
    await vi.advanceTimersByTimeAsync(30_100)
    expect(await outcomes).toHaveLength(20)
    expect(get).toHaveBeenCalledTimes(3)
    expect(stream.stats.cache.failures).toBe(3)
  })

  it('a `set` that never resolves does not delay the end by more than 10 s', async () => {
    fakeTimers()
    const cache = { get: () => undefined, set: never }
    const stream = stringStream(scriptedClient(echo), { cache, linger: 0 })
    const [received, ended] = [vi.fn(), vi.fn()]
    stream.on('data', received).on('end', ended)
    stream.write('a')
    stream.end('b')
    await vi.advanceTimersByTimeAsync(9_900)
    expect(received).toHaveBeenCalledTimes(2)
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(200)
    expect(ended).toHaveBeenCalledOnce()
    expect(stream.stats.cache.failures).toBe(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('of a stream that is destroyed during it leaves no outcome and no unhandled rejection', async () => {
    fakeTimers()
    const stream = stringStream(scriptedClient(echo), { cache: { get: never, set: never }, linger: 0 })
    const received = vi.fn()
    stream.on('data', received)
    stream.write('a')
    await settle()
    stream.destroy()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(received).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('a record is sent again if its value no longer matches the schema, and otherwise not', async () => {
    const cache = new Map<string, string>()
    await run(cache, ['text 0', 'odd'])
    const stricter = { schema: z.string().refine((text) => text.startsWith('text'), 'text') }
    const script = (call: Call): Answer => ({ text: answerOf(call, ({ text }) => `text of ${text}`) })
    // A refinement is not part of the JSON Schema, so the keys are equal.
    const { outcomes, asked } = await run(cache, ['text 0', 'odd'], stricter, script)
    expect(asked).toEqual(['odd'])
    expect(inOrder(outcomes)).toMatchObject([{ value: 'text 0' }, { value: 'text of odd' }])
  })
})

describe('the key', () => {
  const client = scriptedClient(echo)
  const responses = { create: broken }
  const base = { client: { ...client, responses }, model: 'm', instructions: 'Do.', schema: z.string() }
  const keyOf = (options: object, text = 'a text', partition?: string) => {
    const { identity, format } = resolveOptions({ ...base, ...options })
    return new ResultCache(new Map(), identity, format.check).key(text, partition)
  }

  /**
   * Other values of every option, and whether they decide the answer. `serialize` and `partition`
   * decide by their results.
   */
  const changes: Record<
    keyof PackStreamOptions<string, string>,
    readonly [decides: boolean, values: unknown[]]
  > = {
    client: [
      true,
      [
        { ...client, responses, baseURL: 'http://elsewhere' },
        { ...client, responses, baseURL: 'http://elsewhere', deploymentName: 'mine' },
      ],
    ],
    api: [true, ['responses']],
    model: [true, ['n']],
    output: [true, ['json_object', 'text']],
    instructions: [true, ['Do it.', '']],
    schema: [true, [z.string().describe('a label'), z.number(), z.object({ value: z.string() })]],
    examples: [true, [[{ record: 'x', value: 'y' }], [{ record: 'x', value: 'z' }]]],
    serialize: [false, [(text: string) => text]],
    partition: [false, [() => 'tenant']],
    hoist: [true, [['document']]],
    validate: [false, [() => true]],
    votes: [true, [2, 3]],
    escalate: [true, [{ model: 'n' }, { model: 'n2' }, { maxPackRecords: 1 }]],
    request: [true, [{ temperature: 0 }, { temperature: 1 }, { seed: 1 }]],
    maxPackTokens: [false, [500]],
    maxPackRecords: [false, [1]],
    maxOutputTokens: [false, [100]],
    countTokens: [false, [(text: string) => text.length]],
    linger: [false, [0]],
    mix: [false, [100]],
    maxInFlight: [false, [1]],
    limiter: [false, [new RateLimiter({ requestsPerMinute: 1 })]],
    maxAttempts: [false, [1]],
    firstTokenTimeout: [false, [1]],
    idleTimeout: [false, [1]],
    requestTimeout: [false, [1]],
    preserveOrder: [false, [true]],
    cache: [false, [new Map()]],
    pricing: [false, [{ input: 1, output: 1 }]],
    maxRejects: [false, [0, 5]],
    accepted: [false, [false, true]],
    audit: [false, [{ share: 1 }]],
    maxCost: [false, []],
    signal: [false, [new AbortController().signal]],
    highWaterMark: [false, [1]],
    writableHighWaterMark: [false, [1]],
    readableHighWaterMark: [false, [1]],
  }

  it.each(Object.entries(changes).map(([name, [decides, values]]) => ({ name, decides, values })))(
    'changes with $name: $decides',
    ({ name, decides, values }) => {
      const keys = values.map((value) => keyOf({ [name]: value }))
      if (decides) expect(new Set([keyOf({}), ...keys]).size).toBe(values.length + 1)
      else expect(new Set([keyOf({}), ...keys]).size).toBe(1)
    },
  )

  it('does not change with the key of the client', () => {
    const keys = ['one', 'another'].map((apiKey) => keyOf({ client: { ...client, responses, apiKey } }))
    expect(new Set([keyOf({}), ...keys]).size).toBe(1)
  })

  it('is made of the text and the partition, with a clear border between them', () => {
    const { key } = { key: (text: string, partition?: string) => keyOf({}, text, partition) }
    const part = fc.string({ maxLength: 3 })
    const whose = fc.option(part, { nil: undefined })
    fc.assert(
      fc.property(part, whose, part, whose, (text, partition, otherText, otherPartition) => {
        const isSame = text === otherText && partition === otherPartition
        expect(key(text, partition) === key(otherText, otherPartition)).toBe(isSame)
      }),
      {
        numRuns: runs(300),
        examples: [
          ['b', 'a', '', 'ab'],
          ['', '', '', undefined],
          ['a', undefined, 'a', 'null'],
        ],
      },
    )
  })

  it('holds no text of a record, and only the value holds text', async () => {
    const cache = new Map<string, string>()
    await run(cache, ['a secret text', 'another'], {}, (call) => ({ text: answerOf(call, () => 'label') }))
    expect([...cache]).toEqual([
      [expect.stringMatching(/^[\w-]{43}$/), '"label"'],
      [expect.stringMatching(/^[\w-]{43}$/), '"label"'],
    ])
  })

  it('differs between partitions', async () => {
    const cache = new Map<string, string>()
    const first = { partition: () => 'one tenant' }
    await run(cache, ['a'], first)
    expect((await run(cache, ['a'], { partition: () => 'another' })).asked).toEqual(['a'])
    expect((await run(cache, ['a'])).asked).toEqual(['a'])
    expect((await run(cache, ['a'], first)).asked).toEqual([])
  })
})

describe('a value from the cache', () => {
  const schema = z.object({
    at: z.codec(z.string(), z.date(), {
      decode: (text) => new Date(text),
      encode: (date) => date.toISOString(),
    }),
    length: z.string().transform((text) => text.length),
    tags: z.array(z.string()).default(['none']),
    note: z
      .string()
      .nullable()
      .transform((note) => ({ note })),
  })
  const written = { at: '2024-05-06T07:08:09.000Z', length: 'four', tags: ['a', 'b'], note: null }
  const read = { at: new Date(written.at), length: 4, tags: ['a', 'b'], note: { note: null } }
  type Value = z.output<typeof schema>

  async function valuesOf(cache: CacheStore, records: string[]): Promise<Value[]> {
    const elements = (call: Call) => call.records.map(({ id }) => JSON.stringify({ id, ...written }))
    const client = scriptedClient((call) => ({ text: `{"results":[${elements(call).join(',')}]}` }))
    const stream = new PackStream<string, Value>({
      ...patient,
      client,
      model: 'm',
      instructions: '',
      schema,
      cache,
    })
    const outcomes = await collect(stream, records)
    return outcomes.map((outcome) => (outcome as Extract<typeof outcome, { status: 'fulfilled' }>).value)
  }

  it('is the result of the schema, made again for each outcome', async () => {
    const cache = new Map<string, string>()
    const shared = await valuesOf(cache, ['same', 'same', 'same'])
    const hits = await valuesOf(cache, ['same', 'same', 'same'])
    const values = [...shared, ...hits]
    expect(values).toEqual(Array(6).fill(read))
    const parts: ((value: Value) => unknown)[] = [
      (all) => all,
      ({ at }) => at,
      ({ tags }) => tags,
      ({ note }) => note,
    ]
    for (const part of parts) {
      expect(new Set(values.map(part)).size).toBe(6)
    }
  })

  it('cannot be changed through an earlier outcome', async () => {
    const cache = new Map<string, string>()
    for (const value of await valuesOf(cache, ['same', 'same'])) value.tags.push('mine')
    for (const value of await valuesOf(cache, ['same', 'same'])) value.tags.push('mine')
    expect(await valuesOf(cache, ['same'])).toEqual([read])
  })
})

describe('identical records in flight', () => {
  it('are sent once, and each gets the value', async () => {
    const records = ['a', 'b', 'a', 'c', 'a', 'b']
    const { outcomes, asked, stats } = await run(new Map(), records)
    expect(asked).toEqual(['a', 'b', 'c'])
    const pack = (position: number) => ({ request: 1, responseId: 'answer-0', position, size: 3 })
    const [a, b, c] = [pack(1), pack(2), pack(3)]
    expect(inOrder(outcomes)).toEqual(
      [
        { attempts: 1, pack: a },
        { attempts: 1, pack: b },
        { attempts: 0, pack: a },
        { attempts: 1, pack: c },
        { attempts: 0, pack: a },
        { attempts: 0, pack: b },
      ].map((rest, index) => {
        return { status: 'fulfilled', index, record: records[index], value: records[index], ...rest }
      }),
    )
    expect(stats.cache).toEqual({ hits: 0, shared: 3, failures: 0 })
  })

  it('each get the rejection, and later records are sent again', async () => {
    const script = (call: Call): Answer => ({
      text: answerOf(call, ({ text }) => (text === 'bad' ? 42 : text)),
    })
    const records = ['bad', 'good', 'bad', 'bad']
    const { outcomes, asked, stats } = await run(new Map(), records, { maxAttempts: 2 }, script)
    expect(asked).toEqual(['bad', 'good', 'bad'])
    const reason = { code: 'invalid_result' }
    expect(inOrder(outcomes)).toMatchObject([
      { status: 'rejected', record: 'bad', attempts: 2, reason, pack: { request: 2, size: 1 } },
      { status: 'fulfilled', record: 'good' },
      { status: 'rejected', record: 'bad', attempts: 0, reason, pack: { request: 2, size: 1 } },
      { status: 'rejected', record: 'bad', attempts: 0, reason, pack: { request: 2, size: 1 } },
    ])
    expect(stats).toMatchObject({ records: { fulfilled: 1, rejected: 3 }, cache: { shared: 2 } })
  })

  it('are separate for each partition, and are not found without a cache', async () => {
    let count = 0
    const partition = () => (count++ % 2 ? 'odd' : 'even')
    const { outcomes, asked } = await run(new Map(), ['a', 'a', 'a', 'a'], { partition })
    expect([outcomes.length, asked]).toEqual([4, ['a', 'a']])
    const client = scriptedClient(echo)
    await collect(stringStream(client), ['a', 'a', 'a'])
    expect(client.calls[0]?.records).toHaveLength(3)
  })

  it.each([new Map<string, string>(), slowStore()])('leave in order with a slow consumer', async (cache) => {
    const stream = stringStream(scriptedClient(echo), { cache, preserveOrder: true, highWaterMark: 1 })
    const records = ascending(300).map((i) => `text ${i % 7}`)
    const got: number[] = []
    for await (const outcome of Readable.from(records).pipe(stream)) {
      got.push(outcome.index)
      if (got.length % 3 === 0) await settle()
    }
    expect(got).toEqual(ascending(300))
    expect(stream.stats.cache.hits + stream.stats.cache.shared).toBe(293)
  })

  it.each([
    ['wait for the one that is asked for', new Map<string, string>()],
    ['wait for a store that is slow to tell', slowStore()],
  ])('%s while the stream is destroyed', async (_, cache) => {
    fakeTimers()
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => (await opened, echo(call)))
    const stream = stringStream(client, { cache, linger: 0 })
    const outcomes: unknown[] = []
    stream.on('data', (outcome) => outcomes.push(outcome))
    for (let i = 0; i < 5; i++) stream.write('same')
    await vi.advanceTimersByTimeAsync(1)
    stream.destroy()
    open()
    await settle()
    expect(outcomes).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
    expect(stream.stats).toMatchObject({ inFlight: 0, records: { fulfilled: 0, rejected: 0 } })
  })

  it.each([
    ['a Map', new Map<string, string>(), false],
    ['a Map, in order', new Map<string, string>(), true],
    ['a slow store', slowStore(), false],
  ])('stay bounded, also a million of them: %s', async (_, cache, preserveOrder) => {
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => (await opened, echo(call)))
    const options = { cache, preserveOrder, maxPackRecords: 5, maxInFlight: 2, linger: 2 ** 31 - 1 }
    const stream = stringStream(client, options)
    let toCome = 1_000_000
    const source = Readable.from(
      (function* () {
        while (toCome-- > 0) yield 'same'
      })(),
    )
    const received = { count: 0 }
    source.pipe(stream).on('data', () => (received.count += 1))
    while (client.calls.length === 0) await settle()
    await settle()
    const window = 2 * (2 + 2) * 5
    expect(stream.stats.records.read).toBeGreaterThanOrEqual(window)
    expect(stream.stats.records.read).toBeLessThanOrEqual(window + 1)

    toCome = Math.min(toCome, 2_000)
    const ended = new Promise((resolve) => stream.once('end', resolve))
    open()
    await ended
    expect(received.count).toBe(stream.stats.records.read)
    expect(received.count).toBeGreaterThan(2_000)
    expect(client.calls).toHaveLength(1)
  })
})

describe('writes to the store', () => {
  it('delay the end of the stream until the last write has ended', async () => {
    fakeTimers()
    const writes: (() => void)[] = []
    const cache = { get: () => undefined, set: () => new Promise<void>((resolve) => writes.push(resolve)) }
    const stream = stringStream(scriptedClient(echo), { cache })
    const ended = vi.fn()
    const outcomes = vi.fn()
    stream.on('data', outcomes).on('end', ended)
    for (const text of texts(3)) stream.write(text)
    stream.end()
    await settle()
    expect(outcomes).toHaveBeenCalledTimes(3)
    writes[2]!()
    writes[0]!()
    await settle()
    expect(ended).not.toHaveBeenCalled()
    writes[1]!()
    await settle()
    expect(ended).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('slow the source if there are too many', async () => {
    const { opened, open } = gate()
    const cache = { get: () => undefined, set: () => opened }
    const stream = stringStream(scriptedClient(echo), { cache, maxPackRecords: 5, maxInFlight: 2 })
    let received = 0
    const ended = new Promise((resolve) => stream.once('end', resolve))
    Readable.from(texts(500))
      .pipe(stream)
      .on('data', () => (received += 1))
    for (let i = 0; i < 20; i++) await settle()
    // As many records as a window holds are written. Before that was known, as many records may
    // have been read as fit into packs.
    expect(received).toBeGreaterThanOrEqual(40)
    expect(stream.stats.records.read).toBeLessThanOrEqual(40 + 5 * 5)
    open()
    await ended
    expect(received).toBe(500)
  })

  it('may still run when the value is found', async () => {
    const cache = { get: () => undefined, set: () => new Promise(() => undefined) }
    const client = scriptedClient(echo)
    const stream = stringStream(client, { cache, linger: 0 })
    for (const attempts of [1, 0, 0]) {
      stream.write('same')
      const [outcome] = (await once(stream, 'data')) as unknown[]
      expect(outcome).toMatchObject({ status: 'fulfilled', value: 'same', attempts })
    }
    expect([client.calls.length, stream.stats.cache.hits]).toEqual([1, 2])
    stream.destroy()
  })

  it('that fail are forgotten: the record is sent again', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { cache: { get: () => undefined, set: rejecting }, linger: 0 })
    for (const failures of [1, 2]) {
      stream.write('same')
      await once(stream, 'data')
      await settle()
      expect(client.calls).toHaveLength(failures)
      expect(stream.stats.cache).toEqual({ hits: 0, shared: 0, failures })
    }
    stream.destroy()
  })

  it('that end after the stream was destroyed have no effect', async () => {
    const { opened, open } = gate()
    const cache = { get: () => undefined, set: () => opened }
    const stream = stringStream(scriptedClient(echo), { cache, linger: 0 })
    stream.write('a')
    await new Promise((resolve) => stream.once('data', resolve))
    stream.destroy()
    open()
    await settle()
    expect(stream.destroyed).toBe(true)
  })
})

it('a listener that throws for a value from a slow store ends the stream with its error', async () => {
  const cache = slowStore()
  await run(cache, ['a'])
  const stream = stringStream(scriptedClient(echo), { cache })
  stream.on('data', () => {
    throw new Error('from the listener')
  })
  const error = new Promise((resolve) => stream.once('error', resolve))
  stream.end('a')
  expect(await error).toMatchObject({ message: 'from the listener' })
})

/** A fault in one answer. `at` chooses a record or a place to cut. */
const faults = ['none', 'missing', 'invalid', 'repeated', 'length', 'reset', 'refusal', 'rate limit'] as const
type Fault = { kind: (typeof faults)[number]; at: number }

function faulty(call: Call, { kind, at }: Fault): Answer {
  const victim = at % call.records.length
  const elements = call.records.map(({ id, text }, i) =>
    JSON.stringify({ id, value: kind === 'invalid' && i === victim ? 42 : text }),
  )
  if (kind === 'missing') elements.splice(victim, 1)
  if (kind === 'repeated') elements.push(elements[victim]!)
  const text = `{"results":[${elements.join(',')}]}`
  const cut = text.slice(0, at % text.length)
  if (kind === 'rate limit') {
    throw Object.assign(new Error('429'), { status: 429, headers: { 'retry-after-ms': `${at / 10}` } })
  }
  if (kind === 'refusal') return { refusal: 'No.' }
  if (kind === 'length') return { text: cut, finishReason: 'length' }
  if (kind === 'reset') return { text: cut, finishReason: null, usage: null }
  return { text }
}

/** Stores that fail at the given calls, by number. */
const stores: Record<string, (fails: (call: number) => boolean) => CacheStore> = {
  Map: () => new Map<string, string>(),
  Keyv: () => new Keyv(),
  slow: slowStore,
  'one that fails': (fails) => {
    const map = new Map<string, string>()
    let calls = 0
    const mayFail = (): void => {
      if (fails(calls++)) throw new Error('broken store')
    }
    return {
      get: (key) => {
        mayFail()
        return tick().then(() => (mayFail(), map.get(key)))
      },
      set: (key, value) => {
        mayFail()
        return tick().then(() => (mayFail(), map.set(key, value)))
      },
    }
  },
}

it('exactly one outcome per record, with duplicates, faults and a cache together', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ kind: fc.constantFrom(...faults), at: fc.nat(300) }), { maxLength: 12 }),
      fc.array(fc.nat(12), { maxLength: 60 }),
      fc.constantFrom(...Object.keys(stores)),
      fc.array(fc.nat(150), { maxLength: 40 }),
      fc.record({
        maxPackRecords: fc.integer({ min: 1, max: 6 }),
        maxInFlight: fc.integer({ min: 1, max: 3 }),
        maxAttempts: fc.integer({ min: 1, max: 4 }),
        preserveOrder: fc.boolean(),
        highWaterMark: fc.integer({ min: 0, max: 8 }),
        linger: fc.constantFrom(0, 200),
      }),
      fc.array(fc.nat(60), { maxLength: 10 }),
      async (plan, numbers, store, failing, options, rests) => {
        const cache = stores[store]!((call) => failing.includes(call))
        const settled = new Set<string>()
        const inFlight = new Set<string>()
        const client = scriptedClient((call) => {
          for (const { text } of call.records) {
            expect(inFlight.has(text), `${text} is asked for twice at once`).toBe(false)
            if (store !== 'one that fails') expect(settled.has(text), `${text} is known`).toBe(false)
          }
          return faulty(call, plan[call.number] ?? { kind: 'none', at: 0 })
        })
        const stream = stringStream(client, { cache, ...options })
        const records = numbers.map((i) => `text ${i}`)
        const outcomes: Outcome<string, string>[] = []
        await inNoTime(async () => {
          for await (const outcome of Readable.from(records).pipe(stream)) {
            const each = outcome
            if (each.status === 'fulfilled') settled.add(each.record)
            outcomes.push(each)
            if (rests.includes(outcomes.length)) await settle()
          }
        })
        expect(indexesOf(options.preserveOrder ? outcomes : inOrder(outcomes))).toEqual(
          ascending(records.length),
        )
        for (const outcome of outcomes) {
          expect(outcome.record).toBe(records[outcome.index])
          if (outcome.status === 'fulfilled') expect(outcome.value).toBe(outcome.record)
        }
        const { stats } = stream
        const free = outcomes.filter(({ attempts }) => attempts === 0).length
        expect(stats.cache.hits + stats.cache.shared).toBe(free)
        expect(outcomes.filter(({ pack }) => pack === undefined)).toHaveLength(stats.cache.hits)
        expect(stats.records).toMatchObject({ read: records.length, unsettled: 0 })
      },
    ),
    { numRuns: runs(400) },
  )
})
