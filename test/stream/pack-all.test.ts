import { packAll, type Outcome, type PackAllError, type PackStreamOptions } from 'llm-pack-stream'
import { describe, expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod'
import { patient, texts } from '../helpers/collect.ts'
import { answerOf, echo, scriptedClient } from '../helpers/scripted-client.ts'

const base = { ...patient, model: 'm', instructions: '', schema: z.string(), maxPackRecords: 3 }
const backwards = scriptedClient((call) => {
  const { results } = JSON.parse(answerOf(call, ({ text }) => text)) as { results: unknown[] }
  return { text: JSON.stringify({ results: results.toReversed() }) }
})

async function* later<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item)
}

describe('packAll()', () => {
  it.each<[string, () => Iterable<string> | AsyncIterable<string>]>([
    ['an array', () => texts(10)],
    ['a set', () => new Set(texts(10))],
    ['an async iterable', () => later(texts(10))],
  ])('gives the outcomes of %s in its order', async (_name, records) => {
    const outcomes = await packAll(records(), { ...base, client: backwards })
    expect(outcomes.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value)).toEqual(texts(10))
  })

  it('has the types of the records and of the schema', async () => {
    const options = { ...base, client: scriptedClient(echo), serialize: ({ text }: { text: string }) => text }
    const outcomes = await packAll([{ text: 'a' }], options)
    expectTypeOf(outcomes).toEqualTypeOf<Outcome<{ text: string }, string>[]>()
    expect(outcomes).toMatchObject([{ record: { text: 'a' }, value: 'a' }])
  })

  it('of no records is an empty list', async () => {
    expect(await packAll([], { ...base, client: scriptedClient(echo) })).toEqual([])
  })

  it('rejects with the error of the stream, which holds the outcomes that had come', async () => {
    const client = scriptedClient((call) => {
      if (call.number > 0) throw Object.assign(new Error('no'), { status: 401 })
      return echo(call)
    })
    const failed = packAll(texts(9), { ...base, client, maxInFlight: 1 })
    const error = await failed.then(
      () => undefined,
      (reason: unknown) => reason as PackAllError<string, string>,
    )
    expect(error).toMatchObject({ name: 'PackStreamError', code: 'not_authorized' })
    expect(error?.outcomes.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(Object.keys(error ?? {})).not.toContain('outcomes')
  })

  it('rejects with the error of the input, and with an abort', async () => {
    const broken = async function* () {
      yield* later(texts(3))
      throw new Error('broken input')
    }
    const client = scriptedClient(echo)
    await expect(packAll(broken(), { ...base, client })).rejects.toMatchObject({
      message: 'broken input',
      outcomes: expect.any(Array) as unknown,
    })
    const signal = AbortSignal.abort()
    await expect(packAll(texts(3), { ...base, client, signal })).rejects.toMatchObject({ name: 'AbortError' })
  })

  it.each([[undefined], [null], ['abc'], [5], [{}]])('refuses %s as records', async (records) => {
    const options: PackStreamOptions<unknown, string> = { ...base, client: scriptedClient(echo) }
    await expect(packAll(records as never, options)).rejects.toMatchObject({
      name: 'TypeError',
      option: 'records',
    })
  })

  it('refuses bad options', async () => {
    const options = { ...base, client: scriptedClient(echo), maxPackRecords: 0 }
    await expect(packAll([], options)).rejects.toMatchObject({ option: 'maxPackRecords' })
  })
})
