import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import OpenAI, { AzureOpenAI } from 'openai'
import OpenAI6 from 'openai-v6'
import { describe, expectTypeOf, it } from 'vitest'
import { PackStream, type Outcome, type RecordError, type RecordErrorCode } from 'llm-pack-stream'
import * as v from 'valibot'
import * as z from 'zod'
import * as mini from 'zod/mini'
import { echo, scriptedClient } from '../helpers/scripted-client.ts'

// `npm run types` does the checks of this file. The tests only run the code.
type Ticket = { text: string }
const schema = z.object({ label: z.enum(['a', 'b']), at: z.string().transform((text) => new Date(text)) })
type Value = { label: 'a' | 'b'; at: Date }
const make = () =>
  new PackStream({
    ...{ client: scriptedClient(echo), model: 'm', instructions: '', schema },
    serialize: (ticket: Ticket) => ticket.text,
  })

describe('types', () => {
  it('of outcomes come from the schema and from serialize', () => {
    expectTypeOf(make()).toEqualTypeOf<PackStream<Ticket, Value>>()
    expectTypeOf<Outcome<Ticket, Value>>().toExtend<{ index: number; record: Ticket; attempts: number }>()
    const check = (outcome: Outcome<Ticket, Value>) => {
      if (outcome.status === 'fulfilled') expectTypeOf(outcome.value).toEqualTypeOf<Value>()
      else expectTypeOf(outcome.reason).toEqualTypeOf<RecordError>()
    }
    expectTypeOf(check).toBeFunction()
    expectTypeOf<RecordError['code']>().toEqualTypeOf<RecordErrorCode>()
  })

  it('also hold in for await, in data listeners, and in the next function of a pipeline', async () => {
    for await (const outcome of make().end()) expectTypeOf(outcome).toEqualTypeOf<Outcome<Ticket, Value>>()
    make().on('data', (outcome) => {
      expectTypeOf(outcome).toEqualTypeOf<Outcome<Ticket, Value>>()
    })
    await pipeline(Readable.from([]), make(), async (outcomes) => {
      for await (const outcome of outcomes) expectTypeOf(outcome).toEqualTypeOf<Outcome<Ticket, Value>>()
    })
    await pipeline(
      [],
      make(),
      async function* (outcomes) {
        for await (const { index } of outcomes) {
          expectTypeOf(index).toEqualTypeOf<number>()
          yield String(index)
        }
      },
      async (lines) => {
        for await (const line of lines) expectTypeOf(line).toEqualTypeOf<string>()
      },
    )
  })

  it('refuse values that the stream does not accept', () => {
    const stream = make()
    stream.on('error', () => undefined)
    stream.write({ text: 'x' })
    const refused = () => {
      // @ts-expect-error -- no such property
      stream.write({ txt: 'x' })
      // @ts-expect-error -- not an option
      new PackStream({ client: scriptedClient(echo), model: 'm', instructions: '', schema, maxPackToken: 1 })
      const { client, model } = { client: scriptedClient(echo), model: 'm' }
      // @ts-expect-error -- a field that each pack decides itself
      new PackStream({ client, model, instructions: '', schema, request: { messages: [] } })
    }
    expectTypeOf(refused).toBeFunction()
    stream.destroy()
  })

  it('accept clients of openai 6 and 7, and schemas of zod/mini, ArkType and Valibot', () => {
    const ark = type({ a: "'x' | 'y'", n: 'string.numeric.parse' })
    const valibot = toStandardJsonSchema(
      v.object({ a: v.picklist(['x', 'y']), n: v.pipe(v.string(), v.transform(Number)) }),
    )
    const options = { model: 'm', instructions: '', schema: mini.object({ a: mini.string() }) }
    const azure = new AzureOpenAI({ apiKey: 'k', apiVersion: 'v', endpoint: 'http://127.0.0.1' })
    for (const client of [new OpenAI({ apiKey: 'k' }), azure]) {
      expectTypeOf(new PackStream({ client, ...options })).toEqualTypeOf<PackStream<unknown, { a: string }>>()
    }
    for (const schema of [ark, valibot]) {
      const client = new OpenAI({ apiKey: 'k' })
      const stream = new PackStream({ client, model: 'm', instructions: '', schema })
      expectTypeOf(stream).toEqualTypeOf<PackStream<unknown, { a: 'x' | 'y'; n: number }>>()
    }
    const stream = new PackStream({ client: new OpenAI6({ apiKey: 'k' }), ...options })
    expectTypeOf(stream).toEqualTypeOf<PackStream<unknown, { a: string }>>()
  })
})
