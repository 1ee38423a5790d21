import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { PackStreamError, RateLimiter, type Outcome, type PackStream } from 'llm-pack-stream'
import { fakeTimers, gate, inNoTime, settle, stringStream, texts } from '../helpers/collect.ts'
import { runs } from '../helpers/properties.ts'
import { answerOf, echo, scriptedClient, type Answer, type Call } from '../helpers/scripted-client.ts'

/**
 * A client whose answers begin with the first element of each record, and go on when the gate
 * opens.
 */
function halting(end: Partial<Answer> = {}) {
  const { opened, open } = gate()
  const client = scriptedClient((call) => {
    const text = answerOf(call, ({ text }) => text)
    const cut = text.indexOf('}') + 1
    return {
      text: (async function* () {
        yield text.slice(0, cut)
        await opened
        yield text.slice(cut)
      })(),
      ...end,
    }
  })
  return { client, open }
}

/** A client that throws this error at each request. */
function throwing(status: number, headers: Record<string, string> = {}) {
  return scriptedClient(() => {
    throw Object.assign(new Error('as the API says'), { status, headers: new Headers(headers) })
  })
}

/** Takes outcomes from now on, at a given speed. Reports the end and every error. */
function watch(stream: PackStream<string, string>, rest: () => Promise<void> = () => Promise.resolve()) {
  const outcomes: Outcome<string, string>[] = []
  const errors: unknown[] = []
  stream.on('error', (error) => errors.push(error))
  const ended = (async () => {
    try {
      for await (const outcome of stream) {
        outcomes.push(outcome)
        await rest()
      }
      return undefined
    } catch (error) {
      return error as PackStreamError
    }
  })()
  return { outcomes, errors, ended }
}

const indexesOf = (outcomes: readonly Outcome<string, string>[]) => outcomes.map(({ index }) => index)

describe('requests in flight', () => {
  it.each([false, true])(
    'go on to their end, and no other request starts: in order %s',
    async (preserveOrder) => {
      const { client, open } = halting()
      const stream = stringStream(client, { maxPackRecords: 3, maxInFlight: 2, preserveOrder })
      const { outcomes, errors, ended } = watch(stream)
      for (const text of texts(20)) stream.write(text)
      await settle()
      expect([client.calls.length, outcomes.length]).toEqual([2, preserveOrder ? 1 : 2])
      stream.stop()
      await settle()
      expect([stream.destroyed, client.calls.every(({ signal }) => !signal.aborted)]).toEqual([false, true])
      open()
      const error = await ended
      expect(indexesOf(outcomes).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5])
      if (preserveOrder) expect(indexesOf(outcomes)).toEqual([0, 1, 2, 3, 4, 5])
      const { read, unsettled } = stream.stats.records
      expect(error).toBeInstanceOf(PackStreamError)
      expect(error).toMatchObject({ code: 'stopped', unsettled: read - 6 })
      expect(error?.unsettled).toBe(unsettled)
      expect(unsettled).toBeGreaterThan(0)
      expect(error?.message).toBe(`The stream was stopped by \`stop()\`. ${unsettled} records are unsettled.`)
      await settle()
      expect([client.calls.length, errors.length]).toEqual([2, 1])
      // The accounts hold all tokens that were paid for, as the server counted them.
      expect(stream.stats.tokens).toMatchObject({ input: 200, output: 20, estimated: 0 })
    },
  )

  it('bring outcomes that leave in order at the end, also behind a record without an outcome', async () => {
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => {
      await opened
      const records = call.records.filter(({ text }) => text !== 'text 1' && text !== 'text 4')
      return echo({ ...call, records })
    })
    const options = { maxPackRecords: 4, maxInFlight: 2, preserveOrder: true, readableHighWaterMark: 1 }
    const stream = stringStream(client, options)
    const { outcomes, ended } = watch(stream, settle)
    for (const text of texts(8)) stream.write(text)
    stream.flush()
    await settle()
    stream.stop()
    open()
    expect(await ended).toMatchObject({ code: 'stopped', unsettled: 2 })
    expect(indexesOf(outcomes)).toEqual([0, 2, 3, 5, 6, 7])
    expect(client.calls).toHaveLength(2)
  })

  it('do not get their unsettled records sent again, and reject records without attempts left', async () => {
    for (const maxAttempts of [1, 2]) {
      const { opened, open } = gate()
      const client = scriptedClient(async (call) => {
        await opened
        return echo({ ...call, records: call.records.slice(1) })
      })
      const stream = stringStream(client, { maxPackRecords: 3, maxInFlight: 1, maxAttempts, linger: 0 })
      const { outcomes, ended } = watch(stream)
      for (const text of texts(3)) stream.write(text)
      stream.end()
      await expect.poll(() => client.calls).toHaveLength(1)
      stream.stop()
      open()
      const error = await ended
      const statuses = outcomes.toSorted((a, b) => a.index - b.index).map(({ status }) => status)
      const both = ['fulfilled', 'fulfilled']
      expect(statuses).toEqual(maxAttempts === 1 ? ['rejected', ...both] : both)
      // With one attempt, all records are settled, and the input has ended.
      if (maxAttempts === 1) expect(error).toBeUndefined()
      else expect(error).toMatchObject({ code: 'stopped', unsettled: 1 })
      expect(client.calls).toHaveLength(1)
    }
  })

  it('that fail in any way do not end the other requests', async () => {
    for (const status of [401, 429, 503]) {
      const { opened, open } = gate()
      const client = scriptedClient(async (call) => {
        await opened
        if (call.number === 0) throw Object.assign(new Error('no'), { status })
        await settle()
        return echo(call)
      })
      const stream = stringStream(client, { maxPackRecords: 2, maxInFlight: 2, maxAttempts: 2 })
      const { outcomes, ended } = watch(stream)
      for (const text of texts(4)) stream.write(text)
      stream.flush()
      await settle()
      expect(client.calls).toHaveLength(2)
      stream.stop()
      open()
      expect(await ended).toMatchObject({ code: 'stopped', unsettled: 2 })
      expect(indexesOf(outcomes)).toEqual([2, 3])
      expect(client.calls).toHaveLength(2)
    }
  })

  it('are also aborted by destroy()', async () => {
    const { client } = halting()
    const stream = stringStream(client, { maxPackRecords: 2, linger: 0 })
    const { errors } = watch(stream)
    for (const text of texts(2)) stream.write(text)
    await expect.poll(() => client.calls).toHaveLength(1)
    stream.stop()
    stream.destroy(new Error('enough'))
    await settle()
    expect(client.calls[0]?.signal.aborted).toBe(true)
    expect(errors).toMatchObject([{ message: 'enough' }])
  })

  it('include a request that is being sent by a client that calls stop()', async () => {
    const client = scriptedClient((call) => {
      stream.stop()
      return echo(call)
    })
    const stream = stringStream(client, { maxPackRecords: 1, maxInFlight: 4, linger: 1_000 })
    const { outcomes, ended } = watch(stream)
    for (const text of texts(4)) stream.write(text)
    stream.flush()
    const error = await ended
    expect([client.calls.length, outcomes.length]).toEqual([1, 1])
    expect(error).toMatchObject({ code: 'stopped', unsettled: stream.stats.records.read - 1 })
  })
})

describe('the end', () => {
  it('comes at once if no record was read', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client)
    const { errors, ended } = watch(stream)
    stream.stop()
    expect(await ended).toMatchObject({ code: 'stopped', unsettled: 0 })
    await settle()
    expect([errors.length, client.calls.length, stream.destroyed]).toEqual([1, 0, true])
  })

  it('comes once, also after several calls of stop()', async () => {
    const { client, open } = halting()
    const stream = stringStream(client, { maxPackRecords: 2, maxInFlight: 1 })
    const { errors, outcomes, ended } = watch(stream)
    for (const text of texts(9)) stream.write(text)
    await settle()
    stream.stop()
    stream.stop()
    open()
    await settle()
    stream.stop()
    const error = await ended
    stream.stop()
    await settle()
    expect(errors).toEqual([error])
    expect([outcomes.length, client.calls.length]).toEqual([2, 1])
  })

  it('does not change if stop() comes after it or after destroy()', async () => {
    const stream = stringStream(scriptedClient(echo))
    const { errors, ended, outcomes } = watch(stream)
    stream.end('a')
    expect([await ended, outcomes.length]).toEqual([undefined, 1])
    const destroyed = stringStream(scriptedClient(echo)).destroy()
    for (const one of [stream, destroyed]) one.stop()
    await settle()
    expect([errors, destroyed.errored]).toEqual([[], null])
  })

  it('is the end for lack of money if that comes first', async () => {
    const { client, open } = halting({ usage: { input: 0, output: 100 } })
    const options = { pricing: { input: 0, output: 10 }, maxCost: 0.0011, maxOutputTokens: 100, linger: 0 }
    const stream = stringStream(client, {
      ...options,
      maxPackRecords: 1,
      maxInFlight: 1,
      readableHighWaterMark: 2,
    })
    for (const text of texts(4)) stream.write(text)
    open()
    await expect.poll(() => stream.stats.cost).toBeGreaterThan(0)
    await settle()
    // No consumer has taken the outcome, and the stream waits for that.
    stream.stop()
    await settle()
    expect(stream.destroyed).toBe(false)
    const { ended, outcomes } = watch(stream)
    expect(await ended).toMatchObject({ code: 'max_cost_reached' })
    expect(outcomes).toHaveLength(1)
  })

  it.each([false, true])(
    'comes when a slow consumer has taken all outcomes: in order %s',
    async (preserveOrder) => {
      const client = scriptedClient(echo)
      const options = { maxPackRecords: 10, maxInFlight: 3, preserveOrder, highWaterMark: 2 }
      const stream = stringStream(client, options)
      let asked = 0
      const { outcomes, ended } = watch(stream, async () => {
        if (outcomes.length === 3) {
          stream.stop()
          asked = client.calls.flatMap(({ records }) => records).length
        }
        await settle()
      })
      const wrote = pipeline(Readable.from(texts(100)), stream).catch((error: unknown) => error)
      const error = await ended
      expect([asked > 3, asked < 100]).toEqual([true, true])
      expect(outcomes).toHaveLength(asked)
      expect(stream.stats.records.fulfilled).toBe(asked)
      expect(error).toMatchObject({ code: 'stopped', unsettled: stream.stats.records.read - asked })
      // The writer also gets the error.
      expect(await wrote).toBe(error)
      expect(client.calls.flatMap(({ records }) => records)).toHaveLength(asked)
    },
  )

  it('waits for a rejection that waits for its consumer', async () => {
    const client = throwing(503, { 'retry-after': '30' })
    const stream = stringStream(client, {
      maxAttempts: 1,
      maxPackRecords: 5,
      readableHighWaterMark: 1,
      linger: 0,
    })
    for (const text of texts(5)) stream.write(text)
    await expect.poll(() => stream.readableLength).toBe(1)
    stream.stop()
    await settle()
    expect(stream.destroyed).toBe(false)
    const { outcomes, ended } = watch(stream, settle)
    expect(await ended).toMatchObject({ code: 'stopped', unsettled: 0 })
    expect(indexesOf(outcomes)).toEqual([0, 1, 2, 3, 4])
  })

  it('calls the waiting writes back, and accepts no more records', async () => {
    const { client, open } = halting()
    const stream = stringStream(client, { maxPackRecords: 1, maxInFlight: 1 })
    const { ended } = watch(stream)
    const failed: string[] = []
    for (const text of texts(8)) stream.write(text, (error) => error && failed.push(text))
    await settle()
    const { read } = stream.stats.records
    stream.stop()
    open()
    expect(await ended).toMatchObject({ unsettled: read - 1 })
    await settle()
    expect(stream.stats.records.read).toBe(read)
    // The callback of the last record was not called yet.
    expect(failed).toEqual(texts(8).slice(read - 1))
  })
})

it('the end of the input does not matter while records wait to be read', async () => {
  const options = { highWaterMark: 1, serialize: () => 1 as never }
  const stream = stringStream(scriptedClient(echo), options)
  for (const text of texts(3)) stream.write(text)
  stream.end()
  stream.stop()
  await settle()
  expect(stream.stats.records).toMatchObject({ read: 2, rejected: 2 })
  const { outcomes, ended } = watch(stream)
  expect(await ended).toMatchObject({ code: 'stopped', unsettled: 0 })
  expect([outcomes.length, stream.stats.records.read]).toEqual([2, 2])
})

describe('a pause', () => {
  it.each([
    ['after a 429', throwing(429, { 'retry-after': '60' })],
    ['after a failure', throwing(503, { 'retry-after': '60' })],
  ])('%s is cut short, and leaves no timer', async (_what, client) => {
    fakeTimers()
    const stream = stringStream(client, { linger: 5, maxPackRecords: 2 })
    const { ended } = watch(stream)
    for (const text of texts(3)) stream.write(text)
    await vi.advanceTimersByTimeAsync(20)
    const { length } = client.calls
    expect([length > 0, vi.getTimerCount() > 0]).toEqual([true, true])
    stream.stop()
    expect(await ended).toMatchObject({ code: 'stopped', unsettled: 3 })
    expect([client.calls.length, vi.getTimerCount()]).toEqual([length, 0])
  })

  it('for more records is cut short as well', async () => {
    fakeTimers()
    const client = scriptedClient(echo)
    const stream = stringStream(client, { linger: 5_000 })
    const { ended } = watch(stream)
    stream.write('a')
    stream.stop()
    expect(await ended).toMatchObject({ unsettled: 1 })
    expect([client.calls.length, vi.getTimerCount()]).toEqual([0, 0])
  })

  it('of a running request does not come any more', async () => {
    fakeTimers()
    const { opened, open } = gate()
    const client = scriptedClient(async () => {
      await opened
      throw Object.assign(new Error('busy'), { status: 503, headers: { 'retry-after': '60' } })
    })
    const stream = stringStream(client)
    const { ended } = watch(stream)
    stream.write('a')
    stream.flush()
    await settle()
    stream.stop()
    open()
    expect(await ended).toMatchObject({ unsettled: 1 })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('from a shared limiter gives its turn to other streams', async () => {
    fakeTimers()
    const limiter = new RateLimiter({ requestsPerMinute: 6 })
    const client = scriptedClient(echo)
    const [first, second] = [1, 2].map(() => stringStream(client, { limiter, maxPackRecords: 1, linger: 0 }))
    const watched = watch(first!)
    first!.write('a')
    await vi.advanceTimersByTimeAsync(1)
    first!.write('b')
    await vi.advanceTimersByTimeAsync(1)
    second!.write('c')
    await vi.advanceTimersByTimeAsync(1)
    expect(client.calls).toHaveLength(1)
    first!.stop()
    expect(await watched.ended).toMatchObject({ code: 'stopped', unsettled: 1 })
    await vi.advanceTimersByTimeAsync(10_000)
    expect(client.calls.map(({ records }) => records[0]?.text)).toEqual(['a', 'c'])
    second!.destroy()
  })
})

describe('a stream whose records all settle ends well', () => {
  it.each([false, true])('after the end of the input: in order %s', async (preserveOrder) => {
    const { client, open } = halting()
    const stream = stringStream(client, { maxPackRecords: 3, maxInFlight: 4, preserveOrder })
    const { outcomes, ended } = watch(stream)
    for (const text of texts(6)) stream.write(text)
    stream.end()
    await settle()
    expect(client.calls).toHaveLength(2)
    stream.stop()
    open()
    expect([await ended, outcomes.length, stream.stats.records.unsettled]).toEqual([undefined, 6, 0])
  })

  it('also if the input ends after stop()', async () => {
    const { client, open } = halting()
    const stream = stringStream(client)
    const { outcomes, ended } = watch(stream)
    stream.write('a')
    stream.flush()
    await settle()
    stream.stop()
    stream.end()
    await settle()
    open()
    expect([await ended, outcomes.length]).toEqual([undefined, 1])
    const empty = stringStream(client)
    empty.stop()
    empty.end()
    expect(await watch(empty).ended).toBeUndefined()
  })

  it('also if the last write had not been called back', async () => {
    const stream = stringStream(scriptedClient(echo), { highWaterMark: 1, serialize: () => 1 as never })
    const called = vi.fn()
    stream.write('a')
    stream.end('b', called)
    await settle()
    // The record's outcome waits for the consumer, and so does its write.
    expect(stream.writableLength).toBe(1)
    stream.stop()
    const { outcomes, ended } = watch(stream)
    expect([await ended, outcomes.length]).toEqual([undefined, 2])
    expect(called).toHaveBeenCalledTimes(1)
  })

  it('also if outcomes are taken after the end', async () => {
    const stream = stringStream(scriptedClient(echo), { maxPackRecords: 4 })
    for (const text of texts(4)) stream.write(text)
    stream.end()
    await once(stream, 'finish')
    await expect.poll(() => stream.stats.inFlight).toBe(0)
    stream.stop()
    await settle()
    const { outcomes, ended } = watch(stream)
    expect([await ended, outcomes.length]).toEqual([undefined, 4])
  })
})

describe('a record whose cache lookup runs', () => {
  it.each([
    ['has its outcome where it is found', true],
    ['is unsettled where it is not', false],
  ])('%s', async (_what, isFound) => {
    for (const hasEnded of [false, true]) {
      const { opened, open } = gate()
      const cache = { get: () => opened.then(() => (isFound ? '"kept"' : undefined)), set: () => undefined }
      const client = scriptedClient(echo)
      const stream = stringStream(client, { cache })
      const { outcomes, ended } = watch(stream)
      stream.write('a')
      if (hasEnded) stream.end()
      stream.stop()
      await settle()
      expect(stream.destroyed).toBe(false)
      open()
      const error = await ended
      expect(outcomes).toMatchObject(isFound ? [{ value: 'kept' }] : [])
      if (hasEnded && isFound) expect(error).toBeUndefined()
      else expect(error).toMatchObject({ code: 'stopped', unsettled: isFound ? 0 : 1 })
      expect(client.calls).toEqual([])
    }
  })

  it('leaves behind the records that wait for an earlier record, in order', async () => {
    const { opened, open } = gate()
    const cache = {
      get: (key: string) => (keys.push(key) > 1 ? opened.then(() => '"kept"') : undefined),
      set: () => undefined,
    }
    const keys: string[] = []
    const stream = stringStream(scriptedClient(echo), { cache, preserveOrder: true, linger: 5_000 })
    const { outcomes, ended } = watch(stream)
    stream.write('a')
    stream.write('b')
    await settle()
    stream.stop()
    open()
    expect(await ended).toMatchObject({ unsettled: 1 })
    expect(outcomes).toMatchObject([{ index: 1, value: 'kept' }])
  })
})

describe('called by a listener', () => {
  it('while an outcome leaves, loses no outcome', async () => {
    // A record that cannot be sent gets its outcome while it is being written.
    const client = scriptedClient(echo)
    const stream = stringStream(client, { serialize: () => 1 as never })
    const outcomes: unknown[] = []
    stream.on('data', (outcome) => {
      outcomes.push(outcome)
      stream.stop()
    })
    for (const text of texts(3)) stream.write(text)
    const [error] = (await once(stream, 'error')) as [PackStreamError]
    const { read, rejected } = stream.stats.records
    expect([outcomes.length, rejected, error.unsettled]).toEqual([read, read, 0])
  })
})

const faults = [
  'none',
  'missing',
  'invalid',
  'length',
  'reset',
  'refusal',
  'rate limit',
  'busy',
  'silence',
] as const

function faulty(call: Call, kind: (typeof faults)[number]): Answer {
  const text = answerOf(call, ({ id, text }) => (kind === 'invalid' && id === 1 ? 42 : text))
  const half = text.slice(0, text.length / 2)
  switch (kind) {
    case 'none':
    case 'invalid':
      return { text: slowly(text) }
    case 'missing':
      return echo({ records: call.records.slice(1) })
    case 'length':
      return { text: slowly(half), finishReason: 'length' }
    case 'reset':
      return { text: slowly(half), finishReason: null, breaksOff: new TypeError('terminated') }
    case 'refusal':
      return { refusal: 'No.' }
    case 'silence':
      return { text: slowly(half, new Promise(() => undefined)) }
    case 'rate limit':
      throw Object.assign(new Error('429'), { status: 429, headers: { 'retry-after-ms': '120' } })
    case 'busy':
      throw Object.assign(new Error('503'), { status: 503 })
  }
}

async function* slowly(text: string, last?: Promise<void>): AsyncGenerator<string> {
  for (let i = 0; i < text.length; i += 20) {
    yield text.slice(i, i + 20)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await last
}

it('at any time, every record has one outcome or is counted, and no request starts', async () => {
  const ends = { early: 0, well: 0, unsettled: 0 }
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...faults), { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 0, max: 40 }),
      fc.record({
        of: fc.constantFrom('record', 'request', 'outcome'),
        number: fc.nat(30),
        ticks: fc.nat(4),
      }),
      fc.record({
        maxPackRecords: fc.integer({ min: 1, max: 9 }),
        maxInFlight: fc.integer({ min: 1, max: 4 }),
        maxAttempts: fc.integer({ min: 1, max: 4 }),
        preserveOrder: fc.boolean(),
        highWaterMark: fc.integer({ min: 1, max: 8 }),
        linger: fc.constantFrom(0, 1, 200),
        idleTimeout: fc.constantFrom(100, 1_000),
      }),
      // The delay of the store in ticks, and the outcomes after which the consumer pauses.
      fc.record({ store: fc.constantFrom(undefined, 0, 3), rest: fc.array(fc.nat(40)) }),
      async (plan, count, moment, options, { store, rest }) => {
        let started: number | undefined
        const pass = async (ticks: number) => {
          for (let i = 0; i < ticks; i++) await new Promise((resolve) => setImmediate(resolve))
        }
        const at = (of: string, number: number) => {
          if (of !== moment.of || number !== moment.number) return
          const stop = () => {
            stream.stop()
            started ??= client.calls.length
          }
          if (moment.ticks === 0) stop()
          else void pass(moment.ticks).then(stop)
        }
        const client = scriptedClient((call) => {
          at('request', call.number)
          return faulty(call, plan[call.number] ?? 'none')
        })
        const kept = new Map<string, string>([['text 3', '"text 3"']])
        const cache = {
          get: (key: string) => pass(store ?? 0).then(() => kept.get(key)),
          set: (key: string, value: string) => pass(store ?? 0).then(() => kept.set(key, value)),
        }
        const stream = stringStream(client, { ...options, ...(store === undefined ? {} : { cache }) })
        const { outcomes, ended } = watch(stream, async () => {
          at('outcome', outcomes.length)
          if (rest.includes(outcomes.length)) await pass(3)
        })
        // Some records come twice, so that the cache finds them.
        const records = texts(count).map((text, i) => (i % 5 === 4 ? `text ${i - 3}` : text))
        const source = async function* () {
          for (const [i, text] of records.entries()) {
            at('record', i)
            yield await Promise.resolve(text)
          }
        }
        const error = await inNoTime(async () => {
          await pipeline(source, stream).catch(() => undefined)
          return ended
        })
        const { read, fulfilled, rejected, unsettled } = stream.stats.records
        const indexes = indexesOf(outcomes)
        expect(new Set(indexes).size).toBe(outcomes.length)
        expect(outcomes).toHaveLength(fulfilled + rejected)
        expect(outcomes.length + unsettled).toBe(read)
        for (const { index, record } of outcomes) expect(record).toBe(records[index])
        if (options.preserveOrder) expect(indexes).toEqual(indexes.toSorted((a, b) => a - b))
        if (started !== undefined) expect(client.calls).toHaveLength(started)
        expect(stream.stats.inFlight).toBe(0)
        if (error) {
          expect(error).toMatchObject({ code: 'stopped', unsettled })
          expect(started).toBeDefined()
        } else {
          expect([read, unsettled]).toEqual([count, 0])
        }
        ends.early += started === undefined || error ? 0 : 1
        ends.well += error ? 0 : 1
        ends.unsettled += unsettled > 0 ? 1 : 0
      },
    ),
    // A stop that comes when nothing is left to send, so that this end happens in each run.
    {
      numRuns: runs(1_000),
      examples: [
        [
          ['none'],
          5,
          { of: 'outcome', number: 4, ticks: 0 },
          {
            maxPackRecords: 9,
            maxInFlight: 1,
            maxAttempts: 1,
            preserveOrder: false,
            highWaterMark: 8,
            linger: 200,
            idleTimeout: 1_000,
          },
          { store: undefined, rest: [] },
        ],
      ],
    },
  )
  // Each end happened.
  expect(ends.early).toBeGreaterThan(0)
  expect(ends.well).toBeGreaterThan(runs(30))
  expect(ends.unsettled).toBeGreaterThan(runs(100))
})
