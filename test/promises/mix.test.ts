import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { PackStream, type PackStreamOptions } from 'llm-pack-stream'
import { shuffled } from '../../src/statistics/index.ts'
import {
  collect,
  countedSource,
  fakeTimers,
  gate,
  inNoTime,
  patient,
  settle,
  stringStream,
  texts,
} from '../helpers/collect.ts'
import { runs } from '../helpers/properties.ts'
import { qualityClient } from '../helpers/quality-client.ts'
import { random as randomOf } from '../helpers/random.ts'
import { answerOf, echo, scriptedClient, type Call } from '../helpers/scripted-client.ts'

const packsOf = (calls: readonly Call[]): string[][] =>
  calls.map(({ records }) => records.map(({ text }) => text))

/** Texts in runs of the same label, such as `card 0`, `card 1`, ..., `fee 0`. */
const sorted = (labels: readonly string[], each: number): string[] =>
  labels.flatMap((label) => texts(each).map((_, i) => `${label} ${i}`))

async function packs(
  records: readonly string[],
  options: Partial<PackStreamOptions<string, string>>,
): Promise<string[][]> {
  const client = scriptedClient(echo)
  const outcomes = await collect(stringStream(client, options), records)
  expect(outcomes.map(({ record }) => record).toSorted()).toEqual(records.toSorted())
  expect(
    outcomes.every((outcome) => outcome.status === 'fulfilled' && outcome.value === outcome.record),
  ).toBe(true)
  return packsOf(client.calls)
}

const labelsIn = (pack: readonly string[]): Set<string | undefined> =>
  new Set(pack.map((text) => text.split(' ')[0]))

describe('mix', () => {
  const records = sorted(['card', 'fee', 'loan', 'pin'], 100)

  it('packs sorted records with records of other labels', async () => {
    const plain = await packs(records, {})
    const mixed = await packs(records, { mix: 400 })
    expect(plain.map((pack) => labelsIn(pack).size)).toEqual(plain.map(() => 1))
    expect(Math.min(...mixed.map((pack) => labelsIn(pack).size))).toBeGreaterThan(2)
    // No more requests than without it.
    expect(mixed.map((pack) => pack.length)).toEqual(plain.map((pack) => pack.length))
  })

  it('packs a record only with records of its window', async () => {
    const mixed = await packs(records, { mix: 200 })
    expect(mixed.slice(0, 8).flatMap((pack) => [...labelsIn(pack)])).not.toContain('loan')
    expect(mixed.slice(8).flatMap((pack) => [...labelsIn(pack)])).not.toContain('card')
  })

  it('makes the same packs of the same input, whatever the server does', async () => {
    const client = (seed: number) => {
      const random = randomOf(seed)
      return scriptedClient(async (call) => {
        await new Promise((resolve) => setTimeout(resolve, random() * 400))
        return echo(call)
      })
    }
    const run = async (seed: number) => {
      const scripted = client(seed)
      await inNoTime(() =>
        collect(stringStream(scripted, { mix: 90, maxPackRecords: 10, linger: 100 }), records),
      )
      return packsOf(scripted.calls)
    }
    const first = await run(1)
    expect(await run(2)).toEqual(first)
    expect(await run(3)).toEqual(first)
  })

  it('keeps the order of outcomes, and gives each record one, in any size and any schedule', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          count: fc.nat(120),
          mix: fc.integer({ min: 1, max: 300 }),
          maxPackRecords: fc.integer({ min: 1, max: 9 }),
          maxInFlight: fc.integer({ min: 1, max: 3 }),
          linger: fc.constantFrom(0, 1, 10_000),
          keys: fc.integer({ min: 1, max: 4 }),
          cached: fc.boolean(),
          seed: fc.nat(),
        }),
        async ({ count, keys, cached, seed, ...options }) => {
          const random = randomOf(seed)
          const client = scriptedClient(async (call) => {
            if (random() < 0.5) await new Promise((resolve) => setTimeout(resolve, random() * 50))
            if (random() < 0.2) return { text: '{"results":[' }
            return { text: answerOf(call, ({ text }) => text) }
          })
          const input = texts(count).map((text, i) => (cached && i % 5 === 0 ? 'twin' : text))
          const keyOf = (text: string) => `key ${text.length % keys}`
          const stream = stringStream(client, {
            ...{ ...options, preserveOrder: true, maxAttempts: 50, partition: keyOf },
            ...(cached ? { cache: new Map() } : {}),
          })
          const outcomes = await inNoTime(() => collect(stream, input))
          expect(outcomes.map(({ index }) => index)).toEqual(input.map((_, i) => i))
          expect(outcomes.map(({ record }) => record)).toEqual(input)
          for (const pack of packsOf(client.calls)) expect(new Set(pack.map(keyOf)).size).toBe(1)
        },
      ),
      { numRuns: runs(150) },
    )
  })

  it('makes the same packs with preserveOrder, if no record is slow', async () => {
    const options = { mix: 90, maxPackRecords: 10 }
    expect(await packs(records, { ...options, preserveOrder: true })).toEqual(await packs(records, options))
  })

  it('fills the packs of each key from the whole window', async () => {
    const tenants = texts(200).map((_, i) => `tenant${i % 8} ${i}`)
    const mixed = await packs(tenants, { mix: 200, partition: (text) => text.split(' ')[0] ?? '' })
    expect(mixed.map((pack) => pack.length)).toEqual(new Array(8).fill(25))
  })
})

describe('a record in the window', () => {
  it('waits for others no longer than linger', async () => {
    fakeTimers()
    const client = scriptedClient(echo)
    const stream = stringStream(client, { mix: 1_000, linger: 100 })
    const outcomes = stream.toArray()
    stream.write('a')
    await vi.advanceTimersByTimeAsync(60)
    stream.write('b')
    await vi.advanceTimersByTimeAsync(39)
    expect(client.calls).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(client.calls).toHaveLength(1)
    expect(packsOf(client.calls)[0]?.toSorted()).toEqual(['a', 'b'])
    // A record that came later has a wait of its own.
    stream.write('c')
    await vi.advanceTimersByTimeAsync(100)
    expect(packsOf(client.calls)[1]).toEqual(['c'])
    stream.end()
    expect(await outcomes).toHaveLength(3)
  })

  it('leaves with flush(), and at the end of the turn with linger: 0', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { mix: 1_000 })
    stream.write('a')
    await settle()
    expect(client.calls).toHaveLength(0)
    stream.flush()
    await settle()
    expect(packsOf(client.calls)).toEqual([['a']])
    stream.destroy()

    const atOnce = stringStream(scriptedClient(echo), { mix: 1_000, linger: 0 })
    const outcomes = await Promise.all([atOnce.ask('a'), atOnce.ask('b')])
    expect(outcomes.map(({ pack }) => pack?.size)).toEqual([2, 2])
    atOnce.destroy()
  })

  it('is not sent after stop(), and counts as unsettled', async () => {
    const client = scriptedClient(echo)
    const stream = stringStream(client, { mix: 1_000 })
    const ended = stream.toArray()
    stream.write('a')
    stream.stop()
    await expect(ended).rejects.toMatchObject({ code: 'stopped', unsettled: 1 })
    expect(client.calls).toHaveLength(0)
  })
})

describe('memory with mix', () => {
  it('reads one window ahead of the requests', async () => {
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => {
      await opened
      return echo(call)
    })
    const options = { mix: 100, maxInFlight: 2, maxPackRecords: 5, writableHighWaterMark: 1 }
    const source = countedSource(1_000)
    const outcomes = source.stream.pipe(stringStream(client, options)).toArray()
    await settle()
    expect(client.inFlight).toBe(2)
    expect(source.taken).toBeGreaterThanOrEqual(100)
    expect(source.taken).toBeLessThanOrEqual(103)
    open()
    expect(await outcomes).toHaveLength(1_000)
  })

  it('with preserveOrder, stays bounded behind a slow record, and goes on when the record settles', async () => {
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => {
      if (call.number === 0) await opened
      return { text: answerOf(call, ({ text }) => text) }
    })
    const size = { mix: 40, maxInFlight: 2, maxPackRecords: 5 }
    const source = countedSource(1_000)
    const stream = stringStream(client, { ...size, preserveOrder: true, writableHighWaterMark: 1 })
    const outcomes = source.stream.pipe(stream).toArray()
    await settle()
    // The window begins with the first record of the slow request.
    const slow = Math.min(...(packsOf(client.calls)[0] ?? []).map((text) => Number(text.slice(5))))
    const read = source.taken - slow
    const window = 2 * ((2 + 2) * 5 + 40)
    expect(read).toBeGreaterThanOrEqual(window)
    expect(read).toBeLessThanOrEqual(window + 3)
    open()
    const indexes = (await outcomes).map(({ index }: { index: number }) => index)
    expect(indexes).toEqual(texts(1_000).map((_, i) => i))
  })
})

describe('mix, for a model that errs behind a run of one label', () => {
  const labels = ['card', 'fee', 'loan', 'pin', 'app', 'cash', 'rate', 'visa']
  const records = sorted(labels, 200)
  const truth = (text: string): unknown => text.split(' ')[0]

  /** Share of records in packs of 25 that get their right label. */
  async function accuracy(input: readonly string[], options: { mix?: number } = {}): Promise<number> {
    const client = qualityClient({ truth, accuracy: 0.9, runs: { length: 5, same: 20 } })
    const schema = z.enum(labels)
    const outcomes = await collect(
      new PackStream<string, string>({
        ...patient,
        client,
        model: 'm',
        instructions: '',
        schema,
        ...options,
      }),
      input,
    )
    const isRight = (outcome: (typeof outcomes)[number]) =>
      outcome.status === 'fulfilled' && outcome.value === truth(outcome.record)
    return outcomes.filter(isRight).length / outcomes.length
  }

  it('a sorted input has the accuracy of a shuffled input, and without it less', async () => {
    const [inOrder, inDisorder, mixed] = await Promise.all([
      accuracy(records),
      accuracy(shuffled(records, randomOf(7))),
      accuracy(records, { mix: 400 }),
    ])
    // The first five records of a pack lose nothing: 20 of 25 lose 20 points.
    expect(inDisorder - inOrder).toBeGreaterThan(0.12)
    expect(inDisorder - inOrder).toBeLessThan(0.2)
    // The records are the same, so only records behind a run of five can differ.
    expect(Math.abs(inDisorder - mixed)).toBeLessThan(0.01)
  })
})
