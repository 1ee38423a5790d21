import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Outcome, PackStreamOptions } from 'llm-pack-stream'
import { collect, countedSource, gate, inNoTime, settle, stringStream, texts } from '../helpers/collect.ts'
import { faulty, plan, streamOptions } from '../helpers/faulty-answers.ts'
import { runs } from '../helpers/properties.ts'
import { answerOf, echo, scriptedClient, type Call } from '../helpers/scripted-client.ts'

type Options = Partial<PackStreamOptions<string, string>>

/** A model whose k-th answer about a record is `answers[k]`, and later its last. */
function inTurn(answers: (text: string) => readonly unknown[]) {
  const asked = new Map<string, number>()
  const client = scriptedClient((call) => ({
    text: answerOf(call, ({ text }) => {
      const count = asked.get(text) ?? 0
      asked.set(text, count + 1)
      return answers(text)[count] ?? answers(text).at(-1)
    }),
  }))
  return { client, asked }
}

const packsOf = (calls: readonly Call[]): string[][] =>
  calls.map(({ records }) => records.map(({ text }) => text))

/** The outcome of one record whose ballots have these answers. */
async function decided(answers: readonly unknown[], options: Options): Promise<Outcome<string, string>> {
  const { client } = inTurn(() => answers)
  const [outcome] = await collect(stringStream(client, { maxAttempts: 1, ...options }), ['a'])
  return outcome!
}

describe('votes', () => {
  it('asks a third time only if the first two answers differ', async () => {
    const { client, asked } = inTurn((text) => (text.endsWith('7') ? ['x', 'y', 'y'] : ['x']))
    const stream = stringStream(client, { votes: 3 })
    const outcomes = await collect(stream, texts(100))
    expect(new Set(asked.values())).toEqual(new Set([2, 3]))
    for (const outcome of outcomes) {
      const isSplit = outcome.record.endsWith('7')
      expect(asked.get(outcome.record)).toBe(isSplit ? 3 : 2)
      expect(outcome).toMatchObject({
        ...{ status: 'fulfilled', value: isSplit ? 'y' : 'x', attempts: isSplit ? 3 : 2 },
        votes: isSplit
          ? {
              count: 3,
              agreed: 2,
              hasMajority: true,
              values: expect.arrayContaining(['x', 'y', 'y']) as unknown,
            }
          : { count: 2, agreed: 2, hasMajority: true },
      })
    }
    // The ten third ballots share packs, whenever the second ballots were answered.
    expect(client.calls.length).toBeLessThanOrEqual(4 + 4 + 2)
    const { votes, records, tokens } = stream.stats
    expect(votes).toEqual({ ballots: 210, split: 10, undecided: 0 })
    expect(records).toMatchObject({ read: 100, fulfilled: 100, rejected: 0 })
    expect(tokens.used).toBe(tokens.input + tokens.output)
  })

  it('gives the ballots of a record other packs and other neighbours', async () => {
    const client = scriptedClient(echo)
    await collect(stringStream(client, { votes: 2, maxPackRecords: 10 }), texts(40))
    const packs = packsOf(client.calls)
    expect(packs.map(({ length }) => length)).toEqual(new Array(8).fill(10))
    for (const pack of packs) expect(new Set(pack).size).toBe(pack.length)
    // In all four packs of the other ballot, so no two packs are the same.
    const [first = []] = packs
    const shared = packs.slice(1).map((pack) => pack.filter((text) => first.includes(text)).length)
    expect(Math.max(...shared)).toBeLessThan(10)
  })

  it.each<[string, unknown[], Options, object]>([
    ['a majority of five', ['a', 'b', 'c', 'b', 'b'], { votes: 5 }, { value: 'b', count: 5, agreed: 3 }],
    ['the first of a tie', ['a', 'b'], { votes: 2 }, { value: 'a', agreed: 1, hasMajority: false }],
    ['the most frequent', ['a', 'b', 'c', 'c', 'd'], { votes: 5 }, { value: 'c', hasMajority: false }],
    ['a value over rejects', [1, 'a', 1], { votes: 3 }, { value: 'a', count: 3, agreed: 1, values: ['a'] }],
    [
      'what `by` takes',
      ['a 1', 'a 2'],
      { votes: { ballots: 3, by: (v) => v[0] } },
      { value: 'a 1', count: 2 },
    ],
    [
      'what `merge` makes',
      ['a', 'b', 'c'],
      { votes: { ballots: 3, merge: (all) => all.join('') } },
      { value: 'abc', agreed: 0, hasMajority: false, values: ['a', 'b', 'c'] },
    ],
  ])('decides for %s', async (_, answers, options, { value, ...votes }: { value?: string }) => {
    expect(await decided(answers, options)).toMatchObject({ status: 'fulfilled', value, votes })
  })

  it('rejects a record only if no ballot has a value, and then after two ballots', async () => {
    const outcome = await decided([1, 1, 'a'], { votes: 3 })
    expect(outcome).toMatchObject({ status: 'rejected', attempts: 2, reason: { code: 'invalid_result' } })
  })

  it('fails with the error that `merge` throws', async () => {
    const merge = (): string => {
      throw new Error('No mean')
    }
    await expect(decided(['a', 'b'], { votes: { ballots: 2, merge } })).rejects.toThrow('No mean')
  })
})

describe('the promises with votes', () => {
  it('hold under every plan of faults', async () => {
    await fc.assert(
      fc.asyncProperty(
        plan,
        fc.integer({ min: 0, max: 40 }),
        fc.record({
          votes: fc.integer({ min: 2, max: 5 }),
          ...streamOptions,
          linger: fc.constantFrom(0, 1, 10_000),
        }),
        fc.record({ twins: fc.boolean(), split: fc.integer({ min: 1, max: 5 }) }),
        async (faultPlan, count, options, { twins, split }) => {
          const client = scriptedClient((call) => {
            const names = call.records.map(({ text }) => text)
            expect(new Set(names).size, 'two ballots of a record share a pack').toBe(names.length)
            const fault = faultPlan[call.number]
            if (fault) return faulty(call, fault)
            return { text: answerOf(call, ({ text, id }) => (id % split ? text : `${text}!`)) }
          })
          const input = texts(count).map((text, i) => (twins && i % 5 === 0 ? 'twin' : text))
          const stream = stringStream(client, { ...options, ...(twins && { cache: new Map() }) })
          const outcomes = await inNoTime(() => collect(stream, input))
          const indexes = outcomes.map(({ index }) => index)
          expect(indexes.toSorted((a, b) => a - b)).toEqual(input.map((_, i) => i))
          if (options.preserveOrder) expect(indexes).toEqual(indexes.toSorted((a, b) => a - b))
          const values = outcomes.filter((outcome) => outcome.status === 'fulfilled')
          for (const { record, index, votes, attempts } of values) {
            expect(record).toBe(input[index])
            const { count: ballots, agreed } = votes ?? { count: 0, agreed: 0 }
            expect(ballots).toBeGreaterThanOrEqual(2)
            expect(ballots).toBeLessThanOrEqual(options.votes)
            expect(agreed).toBeGreaterThanOrEqual(1)
            if (attempts > 0) expect(attempts).toBeGreaterThanOrEqual(ballots)
          }
          const { records, tokens } = stream.stats
          expect(records).toEqual({
            read: count,
            fulfilled: values.length,
            rejected: count - values.length,
            unsettled: 0,
          })
          const wasted = Object.values(tokens.wasted).reduce((sum, each) => sum + each, 0)
          expect(tokens.used + wasted).toBe(tokens.input + tokens.output)
        },
      ),
      { numRuns: runs(100) },
    )
  })

  it('ask() gets the decided outcome, and flush() does not scatter third ballots', async () => {
    const { client } = inTurn(() => ['x', 'y', 'y'])
    const stream = stringStream(client, { votes: 3, maxPackRecords: 5 })
    const asked = texts(10).map((text) => stream.ask(text))
    stream.flush()
    const outcomes = await Promise.all(asked)
    expect(outcomes.every((outcome) => outcome.status === 'fulfilled' && outcome.value === 'y')).toBe(true)
    expect(packsOf(client.calls).map(({ length }) => length)).toEqual([5, 5, 5, 5, 5, 5])
    stream.destroy()
  })

  it('a stored record keeps its ballots, and another number of votes asks again', async () => {
    const cache = new Map<string, string>()
    const { client } = inTurn(() => ['x', 'y', 'y'])
    const [first] = await collect(stringStream(client, { votes: 3, cache }), ['a'])
    const calls = client.calls.length
    const [again] = await collect(stringStream(client, { votes: 3, cache }), ['a'])
    expect(client.calls).toHaveLength(calls)
    expect(again).toMatchObject({ value: 'y', attempts: 0, votes: (first as { votes?: object }).votes })
    await collect(stringStream(client, { votes: 2, cache }), ['a'])
    await collect(stringStream(client, { cache }), ['a'])
    expect(client.calls).toHaveLength(calls + 3)
    // A rule that finds no majority in the stored ballots asks again.
    await collect(stringStream(client, { votes: { ballots: 3, by: () => 'same' }, cache }), ['a'])
    expect(client.calls).toHaveLength(calls + 3)
  })

  it('after stop(), a record with one ballot is unsettled', async () => {
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => {
      if (call.number > 0) await opened
      return echo(call)
    })
    const stream = stringStream(client, { votes: 2, maxPackRecords: 5, maxInFlight: 2 })
    const ended = collect(stream, texts(10))
    await settle()
    stream.stop()
    open()
    const sent = packsOf(client.calls).flat()
    await expect(ended).rejects.toMatchObject({ code: 'stopped', unsettled: 20 - sent.length })
    expect(new Set(sent).size).toBe(10)
    expect(client.calls).toHaveLength(3)
  })

  it('maxCost holds over all ballots', async () => {
    const { client } = inTurn(() => ['x', 'y', 'y'])
    const options = { votes: 3, maxPackRecords: 5, pricing: { input: 1, output: 1 }, maxCost: 0.0015 }
    const stream = stringStream(client, options)
    await expect(collect(stream, texts(100))).rejects.toMatchObject({ code: 'max_cost_reached' })
    expect(stream.stats.cost).toBeLessThanOrEqual(0.0015)
    expect(client.calls.length).toBeGreaterThan(4)
  })

  it.each([false, true])(
    'reading stays bounded while no answer comes, preserveOrder: %s',
    async (preserveOrder) => {
      const { opened, open } = gate()
      const client = scriptedClient(async (call) => {
        await opened
        return echo(call)
      })
      const size = { maxInFlight: 2, maxPackRecords: 5, writableHighWaterMark: 1 }
      const source = countedSource(600)
      const outcomes = source.stream
        .pipe(stringStream(client, { votes: 3, preserveOrder, ...size }))
        .toArray()
      await settle()
      expect(client.inFlight).toBe(2)
      // A window of `2 * ((maxInFlight + 2) * maxPackRecords + mix)` records, and the buffers.
      expect(source.taken).toBeLessThanOrEqual(2 * ((2 + 2) * 5 + 2 * 4 * 5) + 3)
      open()
      expect(await outcomes).toHaveLength(600)
    },
  )

  it('the number of requests for a record does not grow with the input', async () => {
    const requests = async (count: number): Promise<number> => {
      const { client } = inTurn((text) => (text.endsWith('7') ? ['x', 'y', 'y'] : ['x']))
      await collect(stringStream(client, { votes: 3, maxPackRecords: 10 }), texts(count))
      return client.calls.length / count
    }
    const [short, long] = [await requests(400), await requests(2_000)]
    // 2.1 ballots for a record, in packs of 10, and few small packs of third ballots.
    expect(short).toBeLessThan(0.25)
    expect(long).toBeLessThan(1.1 * short)
  })
})
