import { PackStream, type Outcome } from 'llm-pack-stream'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { collect, patient, stringStream, texts } from '../helpers/collect.ts'
import { answerOf, echo, scriptedClient, type Call } from '../helpers/scripted-client.ts'

/** Keeps the placeholders of a template. */
const keepsPlaceholders = (record: string, value: string): true | string =>
  /\{\w+\}/.exec(record)?.[0] === /\{\w+\}/.exec(value)?.[0] || 'The placeholders differ'

/** A model that loses the placeholders in its first answers. */
const forgetful = (times: number) => (call: Call) => ({
  text: answerOf(call, ({ text }) => (call.number < times ? text.replace(/\{.*\}/, 'X') : text)),
})

describe('`validate`', () => {
  it('lets a record be asked again until the value is right', async () => {
    const client = scriptedClient(forgetful(1))
    const stream = stringStream(client, { validate: keepsPlaceholders, preserveOrder: true })
    const outcomes = await collect(stream, ['Hi {name}', 'Hello'])
    expect(outcomes).toMatchObject([
      { status: 'fulfilled', value: 'Hi {name}', attempts: 2 },
      { status: 'fulfilled', value: 'Hello', attempts: 1 },
    ])
    expect(stream.stats.elements.invalid).toBe(1)
  })

  it('rejects a record after all attempts, with the reason', async () => {
    const stream = stringStream(scriptedClient(forgetful(9)), { validate: keepsPlaceholders, maxAttempts: 2 })
    const [outcome] = await collect(stream, ['Hi {name}'])
    expect(outcome).toMatchObject({
      status: 'rejected',
      attempts: 2,
      reason: { code: 'invalid_result', issues: [{ path: [], message: 'The placeholders differ' }] },
    })
  })

  it('gets the record and the value after the transforms of the schema', async () => {
    const seen: unknown[] = []
    const stream = new PackStream({
      ...patient,
      ...{ client: scriptedClient(echo), model: 'm', instructions: '' },
      schema: z.string().transform((text) => text.length),
      serialize: ({ text }: { text: string }) => text,
      validate: (record, value) => {
        const length: number = value
        seen.push([record, length])
        return true
      },
    })
    await collect(stream, [{ text: 'four' }])
    expect(seen).toEqual([[{ text: 'four' }, 4]])
  })

  it('that throws makes the element invalid, without the words of the error', async () => {
    const validate = () => {
      throw new RangeError('secret')
    }
    const [outcome] = await collect(stringStream(scriptedClient(echo), { validate, maxAttempts: 1 }), ['a'])
    expect(outcome).toMatchObject({ reason: { issues: [{ message: '`validate` threw RangeError' }] } })
  })

  it.each([
    [undefined, 'undefined (undefined)'],
    [false, 'false (boolean)'],
    [Promise.resolve(true), 'object'],
  ])(
    'that returns %s destroys the stream at the first value, instead of paying for more',
    async (verdict, shown) => {
      const client = scriptedClient(echo)
      const stream = stringStream(client, { validate: () => verdict as unknown as true })
      await expect(collect(stream, texts(3))).rejects.toMatchObject({
        name: 'TypeError',
        option: 'validate',
        message: `Expected \`validate\` to return true or a string, got ${shown}`,
      })
      expect(client.calls).toHaveLength(1)
    },
  )

  it('checks the examples', () => {
    const examples = [{ record: 'Hi {name}', value: 'Salut' }]
    expect(() => stringStream(scriptedClient(echo), { examples, validate: keepsPlaceholders })).toThrow(
      'Expected `examples[0].value` to match `validate`: The placeholders differ',
    )
  })

  it('refuses a value of the cache, and the record is asked', async () => {
    const cache = new Map<string, string>()
    await collect(stringStream(scriptedClient(forgetful(1)), { cache }), ['Hi {name}'])
    const client = scriptedClient(echo)
    const [outcome] = await collect(stringStream(client, { cache, validate: keepsPlaceholders }), [
      'Hi {name}',
    ])
    expect(outcome).toMatchObject({ value: 'Hi {name}', attempts: 1 })
    const again = scriptedClient(echo)
    await collect(stringStream(again, { cache, validate: keepsPlaceholders }), ['Hi {name}'])
    expect(again.calls).toEqual([])
  })

  it('checks the value for each record of the same text, and asks again for the others', async () => {
    interface Product {
      readonly text: string
      readonly tag: string
    }
    // Each answer has another value, which only fits some of the records.
    const client = scriptedClient((call) => ({ text: answerOf(call, () => ['a', 'b'][call.number]) }))
    const stream = new PackStream({
      ...patient,
      ...{ client, model: 'm', instructions: '', schema: z.string(), cache: new Map<string, string>() },
      serialize: ({ text }: Product) => text,
      validate: ({ tag }, value) => tag === value || 'Another tag',
    })
    const records = ['a', 'b', 'a', 'b'].map((tag) => ({ text: 'same', tag }))
    const outcomes: Outcome<Product, string>[] = await collect(stream, records)
    expect(outcomes.toSorted((one, other) => one.index - other.index)).toMatchObject(
      records.map(({ tag }) => ({ status: 'fulfilled', value: tag })),
    )
    expect(client.calls).toHaveLength(2)
  })
})

describe('bytes that are written without a reader', () => {
  const bytes = Buffer.from('{"text":"a"}\n')
  it.each([bytes, new Uint8Array(bytes), new Uint8Array(bytes).buffer])(
    'are rejected with the names of the readers',
    async (chunk) => {
      const client = scriptedClient(echo)
      const stream = new PackStream({
        ...{ client, model: 'm', instructions: '', schema: z.string() },
      })
      const [outcome] = await collect<unknown, string>(stream, [chunk])
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: {
          code: 'invalid_record',
          message: expect.stringMatching(/got bytes: .*readJsonl.*readers/) as string,
        },
      })
      expect(client.calls).toEqual([])
    },
  )

  it.each([
    ['returns no text', (record: { text: string }) => record.text],
    ['throws', (record: { user: { text: string } }) => record.user.text],
  ])('are named too where a `serialize` that expects records %s', async (_how, serialize) => {
    const stream = new PackStream({
      ...{ client: scriptedClient(echo), model: 'm', instructions: '', schema: z.string() },
      serialize: serialize as (record: unknown) => string,
    })
    expect(await collect<unknown, string>(stream, [bytes])).toMatchObject([
      { reason: { message: expect.stringMatching(/got bytes: .*readJsonl/) as string } },
    ])
  })

  it('are a record for a `serialize` that takes bytes', async () => {
    const stream = new PackStream({
      ...{ client: scriptedClient(echo), model: 'm', instructions: '', schema: z.string() },
      serialize: (record: Buffer) => record.toString(),
    })
    expect(await collect(stream, [bytes])).toMatchObject([{ value: '{"text":"a"}\n' }])
  })
})
