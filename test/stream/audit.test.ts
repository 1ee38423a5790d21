import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import * as z from 'zod'
import { packAll, PackStream, type NoticeEvent, type PackStreamOptions } from 'llm-pack-stream'
import { collect, gate, inNoTime, patient, settle, stringStream, texts } from '../helpers/collect.ts'
import { runs } from '../helpers/properties.ts'
import { random as randomOf } from '../helpers/random.ts'
import { answerOf, echo, scriptedClient, type Answer, type Call } from '../helpers/scripted-client.ts'

type Options = Partial<PackStreamOptions<string, string>>

const auditAll = { audit: { share: 1 } }
const sizes = (calls: readonly Call[]): number[] => calls.map(({ records }) => records.length)
/** A model that gives another answer in a pack than alone. */
const swayed = (call: Call) => ({
  text: answerOf(call, ({ text }) => (call.records.length > 1 ? 'packed' : text)),
})

async function run(records: readonly string[], options: Options, script: (call: Call) => Answer = echo) {
  const client = scriptedClient(script)
  const stream = stringStream(client, { maxPackRecords: 4, ...options })
  const outcomes = await collect(stream, records)
  return { client, stream, outcomes, stats: stream.stats }
}

describe('an audit', () => {
  it('asks each drawn record twice more, alone, and gives each record one outcome', async () => {
    const { client, outcomes, stats } = await run(texts(8), auditAll)
    expect(outcomes.map(({ record }) => record)).toEqual(texts(8))
    expect(sizes(client.calls)).toEqual([4, 4, ...new Array<number>(16).fill(1)])
    const alone = client.calls.slice(2).map(({ records }) => records[0]?.text)
    expect(alone.toSorted()).toEqual([...texts(8), ...texts(8)].toSorted())
    expect(stats.records).toEqual({ read: 8, fulfilled: 8, rejected: 0, unsettled: 0 })
    expect(stats).toMatchObject({ packs: 2, retries: 0, requests: 18 })
    expect(stats.audit).toMatchObject({
      ...{ packRecords: 4, records: 8, dropped: 0, disagreement: 0, noise: 0, margin: 0.02, requests: 16 },
      tokens: { input: 1_600, cached: 0, output: 160, reasoning: 0 },
      ...{ cost: undefined, steps: [] },
    })
    expect(Object.isFrozen(stats.audit) && Object.isFrozen(stats.audit?.interval)).toBe(true)
  })

  it('is not there without the option', async () => {
    const { stats } = await run(texts(8), {})
    expect('audit' in stats && stats.audit).toBeFalsy()
  })

  it('changes no outcome', async () => {
    const { outcomes, stats } = await run(texts(8), auditAll, swayed)
    expect(outcomes).toMatchObject(texts(8).map((record) => ({ record, value: 'packed', pack: { size: 4 } })))
    expect(stats.audit).toMatchObject({ disagreement: 1, noise: 0 })
  })

  it('lets each outcome leave before its questions, in order too', async () => {
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => {
      if (call.records.length === 1) await opened
      return echo(call)
    })
    const options = { ...patient, maxPackRecords: 4, maxInFlight: 100, preserveOrder: true, ...auditAll }
    const stream = stringStream(client, options)
    const outcomes: string[] = []
    stream.on('data', ({ record }: { record: string }) => outcomes.push(record))
    Readable.from(texts(200)).pipe(stream)
    for (let i = 0; i < 60 && outcomes.length < 150; i++) await settle()
    // The window would hold 2 * 102 * 4 records, so it holds up nothing. The slots are taken.
    expect(outcomes.length).toBeGreaterThan(90)
    expect(outcomes).toEqual(texts(outcomes.length))
    expect(stream.readableEnded).toBe(false)
    open()
    await new Promise((resolve) => stream.on('end', resolve))
    expect(outcomes).toEqual(texts(200))
    expect(stream.stats.audit?.records).toBe(200)
  })

  it('takes turns with new records, so that few questions wait', async () => {
    const { client } = await run(texts(400), { ...auditAll, maxInFlight: 1 })
    const order = sizes(client.calls)
    let waiting = 0
    let most = 0
    for (const size of order) {
      waiting += size > 1 ? 2 * size : -1
      most = Math.max(most, waiting)
    }
    expect(order).toHaveLength(100 + 800)
    expect(most).toBeLessThanOrEqual(16)
  })

  it('does not wait for linger', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { ...patient, maxPackRecords: 4, mix: 4, ...auditAll })
    stream.on('data', () => undefined)
    for (const text of texts(4)) stream.write(text)
    stream.flush()
    for (let i = 0; i < 10; i++) await settle()
    expect(stream.stats.audit?.records).toBe(4)
    stream.destroy()
  })

  it('neither reads nor fills the cache, and leaves out records from it', async () => {
    const cache = new Map<string, string>()
    const records = ['a', 'b', 'a', 'b', 'c', 'd']
    const first = await run(records, { cache, ...auditAll }, swayed)
    expect(sizes(first.client.calls).filter((size) => size > 1)).toEqual([4])
    expect(first.stats.cache.shared).toBe(2)
    expect(first.stats.audit).toMatchObject({ records: 4, requests: 8, disagreement: 1 })
    expect([...cache.values()].map((json) => JSON.parse(json) as unknown)).toEqual(
      new Array(4).fill('packed'),
    )
    const second = await run(records, { cache, ...auditAll })
    expect(second.client.calls).toEqual([])
    expect(second.stats.audit?.records).toBe(0)
  })

  it('drops a record whose question is rejected, and counts it', async () => {
    const { outcomes, stats } = await run(texts(4), { ...auditAll, maxAttempts: 2 }, (call) =>
      call.records.length === 1 && call.records[0]?.text === 'text 1'
        ? { text: '{"results":[]}' }
        : echo(call),
    )
    expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true)
    expect(stats.records).toMatchObject({ fulfilled: 4, rejected: 0 })
    expect(stats.audit).toMatchObject({ records: 3, dropped: 1, requests: 6 + 4 })
    expect(stats.retries).toBe(0)
  })

  it('does not fail a job whose records all have outcomes', async () => {
    const refused = Object.assign(new Error('no credit'), { status: 401, headers: new Headers() })
    const { outcomes, stats } = await run(texts(4), { ...auditAll, maxAttempts: 2 }, (call) => {
      if (call.records.length === 1) throw refused
      return echo(call)
    })
    expect(outcomes).toHaveLength(4)
    expect(stats.audit).toMatchObject({ records: 0, dropped: 4 })
  })

  it('is not finished after stop()', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { maxPackRecords: 4, maxInFlight: 1, ...auditAll })
    const outcomes: unknown[] = []
    stream.on('data', (outcome) => {
      outcomes.push(outcome)
      if (outcomes.length === 8) stream.stop()
    })
    Readable.from(texts(8)).pipe(stream)
    await new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject))
    expect(outcomes).toHaveLength(8)
    expect(client.calls.length).toBeLessThan(2 + 16)
    expect(stream.stats.audit?.requests).toBe(client.calls.length - 2)
  })

  it('obeys maxCost, and counts its own cost', async () => {
    const options = { ...auditAll, pricing: { input: 1_000, output: 1_000 }, maxOutputTokens: 100 }
    const all = await run(texts(8), options)
    expect(all.stats.cost).toBeCloseTo(18 * 0.11)
    expect(all.stats.audit?.cost).toBeCloseTo(16 * 0.11)
    const capped = await run(texts(8), { ...options, maxCost: 1, maxInFlight: 1 })
    expect(capped.stats.records.fulfilled).toBe(8)
    expect(capped.stats.cost).toBeLessThanOrEqual(1)
    expect(capped.stats.audit?.requests).toBeGreaterThan(0)
    expect(capped.stats.audit?.requests).toBeLessThan(16)
  })

  it('compares values by all of their content, or by the part that `by` returns', async () => {
    let call = 0
    const client = scriptedClient((asked) => {
      call += 1
      const confidence = call / 100
      return {
        text: JSON.stringify({ results: asked.records.map(({ id }) => ({ id, label: 'x', confidence })) }),
      }
    })
    const options = {
      ...{ client, model: 'm', instructions: '', ...patient, maxPackRecords: 4 },
      schema: z.object({ label: z.string(), confidence: z.number() }),
    }
    const statsOf = async (
      audit: PackStreamOptions<string, { label: string; confidence: number }>['audit'],
    ) => {
      const stream = new PackStream<string, { label: string; confidence: number }>({ ...options, audit })
      await collect(stream, texts(4))
      return stream.stats.audit
    }
    expect(await statsOf({ share: 1 })).toMatchObject({ disagreement: 1, noise: 1 })
    expect(await statsOf({ share: 1, by: ({ label }) => label })).toMatchObject({
      disagreement: 0,
      noise: 0,
    })
  })

  it('compares what the ballots of a record decided', async () => {
    const { outcomes, stats } = await run(texts(8), { ...auditAll, votes: 2 }, swayed)
    expect(outcomes.every((outcome) => outcome.status === 'fulfilled' && outcome.votes?.agreed === 2)).toBe(
      true,
    )
    expect(stats.votes).toMatchObject({ ballots: 16 })
    expect(stats.audit).toMatchObject({ records: 8, requests: 16, disagreement: 1, noise: 0 })
    expect(stats.packs).toBe(4)
  })

  it('audits the calls of ask(), and packAll() ends after it', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { maxPackRecords: 4, ...auditAll })
    await Promise.all(texts(4).map((text) => stream.ask(text)))
    stream.end()
    for (let i = 0; i < 20; i++) await settle()
    expect(stream.stats.audit?.records).toBe(4)
    const base = { client, model: 'm', instructions: '', schema: z.string() }
    expect(await packAll(texts(8), { ...base, ...patient, maxPackRecords: 4, ...auditAll })).toHaveLength(8)
  })
})

describe('a guard', () => {
  const notices = (): NoticeEvent[] => {
    const heard: NoticeEvent[] = []
    const onNotice = (message: unknown): void => void heard.push(message as NoticeEvent)
    subscribe('llm-pack-stream:notice', onNotice)
    onTestFinished(() => void unsubscribe('llm-pack-stream:notice', onNotice))
    return heard
  }

  it('makes packs smaller when packing changes the answers, and says so', async () => {
    const heard = notices()
    const { client, outcomes, stats } = await run(
      texts(200),
      { maxPackRecords: 8, maxInFlight: 1, audit: { share: 0.3, guard: true } },
      swayed,
    )
    expect(outcomes).toHaveLength(200)
    const [step] = stats.audit?.steps ?? []
    expect(step).toMatchObject({ packRecords: 8, disagreement: 1, noise: 0 })
    expect(stats.audit).toMatchObject({ packRecords: 1, records: 0 })
    // From the step on, all records are alone.
    expect(outcomes.slice(-50).map(({ pack }) => pack?.size)).toEqual(new Array(50).fill(1))
    expect(Math.max(...sizes(client.calls.slice(-50)))).toBe(1)
    expect(heard.map(({ kind }) => kind)).toEqual(['audit'])
    expect(heard[0]?.message).toMatch(
      /^Packing changes 100\.0% of the answers beyond noise, and at least \d+\.\d%, in \d+ audited records\. `audit\.margin` is 2\.0%\. From now on, a pack has at most 1 record\.$/,
    )
  })

  it('is off by default: a notice says what was found, once', async () => {
    const heard = notices()
    const { stats, outcomes } = await run(texts(200), { audit: { share: 0.5 } }, swayed)
    expect(stats.audit).toMatchObject({ packRecords: 4, steps: [] })
    expect(outcomes.every(({ pack }) => pack?.size === 4)).toBe(true)
    expect(heard.map(({ message }) => message.split('. ').at(-1))).toEqual([
      'Make the packs smaller (`maxPackRecords`), or set `audit.guard`.',
    ])
  })
})

it('holds the promises in any schedule, with faults, a cache, keys and an order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        count: fc.nat(60),
        share: fc.constantFrom(0.1, 0.5, 1),
        guard: fc.boolean(),
        maxPackRecords: fc.integer({ min: 1, max: 9 }),
        maxInFlight: fc.integer({ min: 1, max: 4 }),
        linger: fc.constantFrom(0, 1, 10_000),
        preserveOrder: fc.boolean(),
        mix: fc.constantFrom(undefined, 7),
        votes: fc.constantFrom(undefined, 3),
        keys: fc.integer({ min: 1, max: 4 }),
        seed: fc.nat(),
      }),
      async ({ count, share, guard, keys, seed, ...options }) => {
        const random = randomOf(seed)
        const client = scriptedClient(async (call) => {
          if (random() < 0.5) await new Promise((resolve) => setTimeout(resolve, random() * 50))
          if (random() < 0.1) return { text: '{"results":[]}' }
          if (call.records.length > 1 && random() < 0.3) return swayed(call)
          return echo(call)
        })
        const stream = stringStream(client, {
          ...{ ...options, maxAttempts: 50, audit: { share, guard } },
          ...{ partition: (text: string) => `key ${text.length % keys}`, cache: new Map() },
        })
        const input = texts(count)
        const outcomes = await inNoTime(() => collect(stream, input))
        expect(outcomes.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(input.map((_, i) => i))
        if (options.preserveOrder) expect(outcomes.map(({ record }) => record)).toEqual(input)
        const { records, audit, requests, packs, retries, tokens } = stream.stats
        expect(records).toEqual({ read: count, fulfilled: count, rejected: 0, unsettled: 0 })
        expect(packs + retries + (audit?.requests ?? 0)).toBe(requests)
        expect(requests).toBe(client.calls.length)
        expect(audit?.tokens.input).toBeLessThanOrEqual(tokens.input)
        expect(stream.stats.inFlight).toBe(0)
      },
    ),
    { numRuns: runs(60) },
  )
})
