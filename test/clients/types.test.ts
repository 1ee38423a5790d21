import { observeOpenAI } from '@langfuse/openai'
import Cerebras from '@cerebras/cerebras_cloud_sdk'
import Groq from 'groq-sdk'
import { wrapOpenAI } from 'langsmith/wrappers'
import OpenAI, { AzureOpenAI } from 'openai'
import OpenAI5 from 'openai-v5'
import OpenAI6 from 'openai-v6'
import { Portkey } from 'portkey-ai'
import Together from 'together-ai'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  PackStream,
  type ChatBody,
  type ChatClient,
  type PackStreamOptions,
  type Pricing,
  type RateLimiterOptions,
  type ResponsesClient,
} from 'llm-pack-stream'
import type {
  KafkaConnection,
  KafkaSourceOptions,
  OffsetTrackerOptions,
  RunKafkaOptions,
} from 'llm-pack-stream/kafka'
import type {
  CsvReaderOptions,
  CsvWriterOptions,
  JsonReaderOptions,
  OutcomeRowOptions,
  OutcomeWriterOptions,
  ReadOptions,
} from 'llm-pack-stream/readers'
import {
  startSimulator,
  type Faults,
  type Latency,
  type Limits,
  type SimulatorOptions,
} from 'llm-pack-stream/simulator'
import * as z from 'zod'
import { baseOptions } from '../../src/kafka/connection.ts'
import { resolveSource } from '../../src/kafka/options.ts'
import { echo, scriptedClient } from '../helpers/scripted-client.ts'

// `npm run types` does the checks of this file. The tests only run the code.
const apiKey = 'k'
const base = { model: 'm', instructions: '', schema: z.string() }

describe('clients', () => {
  it('of these packages are clients, as they are', () => {
    const chat: ChatClient[] = [
      ...[new OpenAI({ apiKey }), new OpenAI5({ apiKey }), new OpenAI6({ apiKey })],
      new AzureOpenAI({ apiKey, apiVersion: 'v', endpoint: 'http://127.0.0.1' }),
      ...[new Groq({ apiKey }), new Together({ apiKey }), new Cerebras({ apiKey, warmTCPConnection: false })],
      new Portkey({ apiKey }),
      ...[wrapOpenAI(new OpenAI({ apiKey })), wrapOpenAI(new OpenAI6({ apiKey }))],
      ...[observeOpenAI(new OpenAI({ apiKey })), observeOpenAI(new OpenAI6({ apiKey }))],
    ]
    for (const client of chat) new PackStream({ ...base, client }).destroy()

    const responses: ResponsesClient[] = [
      ...[new OpenAI({ apiKey }), new OpenAI5({ apiKey }), new OpenAI6({ apiKey }), new Portkey({ apiKey })],
      ...[wrapOpenAI(new OpenAI({ apiKey })), observeOpenAI(new OpenAI6({ apiKey }))],
    ]
    for (const client of responses) new PackStream({ ...base, client, api: 'responses' }).destroy()
  })

  it('may be written by hand', () => {
    async function* answer({ messages }: ChatBody) {
      yield await Promise.resolve({ choices: [{ delta: { content: messages[1]?.content } }] })
    }
    const client: ChatClient = { chat: { completions: { create: (body) => Promise.resolve(answer(body)) } } }
    new PackStream({ ...base, client }).destroy()
    // @ts-expect-error -- an answer without events
    const wrong: ChatClient = { chat: { completions: { create: () => Promise.resolve('text') } } }
    expect(wrong).toBeDefined()
  })
})

it('a function that takes a schema, in the form that Zod advises, has the type of its results', () => {
  const client = scriptedClient(echo)
  function label<S extends z.ZodType>(schema: S): PackStream<string, z.output<S>> {
    return new PackStream<string, z.output<S>>({ ...base, client, schema })
  }
  const stream = label(z.object({ team: z.enum(['a', 'b']) }))
  expectTypeOf(stream).toEqualTypeOf<PackStream<string, { team: 'a' | 'b' }>>()
  stream.destroy()
  // @ts-expect-error -- another type of results
  new PackStream<string, number>({ ...base, client, schema: z.string() }).destroy()
})

describe('the option `request`', () => {
  const client = scriptedClient(echo)

  it('takes fields of the API and of other servers', () => {
    const request = { temperature: 0, chat_template_kwargs: { enable_thinking: false }, top_k: 20 }
    new PackStream({ ...base, client, request }).destroy()
    new PackStream({ ...base, client, request: { provider: { order: ['groq'] } } }).destroy()
    interface Mine {
      temperature: number
    }
    const mine: Mine = { temperature: 0 }
    new PackStream({ ...base, client, request: mine }).destroy()
  })

  it('refuses a wrong value, and the fields that each pack decides itself', () => {
    const refused = () => {
      // @ts-expect-error -- no number
      new PackStream({ ...base, client, request: { temperature: 'hot' } })
      // @ts-expect-error -- the stream writes the messages
      new PackStream({ ...base, client, request: { messages: [] } })
      // @ts-expect-error -- the option `model` sets it
      new PackStream({ ...base, client, request: { model: 'x' } })
    }
    expect(refused).toThrow(TypeError)
  })
})

type Options = PackStreamOptions<unknown, string>
/** The optional properties of a type, each with the value `undefined`. */
type Undefined<Options> = {
  [Name in keyof Options as object extends Pick<Options, Name> ? Name : never]: undefined
}

describe('an option that is `undefined` is an option that is not given', () => {
  // If a line fails here: write `name?: T | undefined` for each option of a program.
  it('by its type, with `exactOptionalPropertyTypes`', () => {
    expectTypeOf<Undefined<Options>>().toExtend<Partial<Options>>()
    expectTypeOf<Undefined<Pricing>>().toExtend<Partial<Pricing>>()
    expectTypeOf<Undefined<RateLimiterOptions>>().toExtend<RateLimiterOptions>()
    expectTypeOf<Undefined<SimulatorOptions>>().toExtend<SimulatorOptions>()
    expectTypeOf<Undefined<Partial<Latency>>>().toExtend<SimulatorOptions['latency']>()
    expectTypeOf<Undefined<Limits>>().toExtend<Limits>()
    expectTypeOf<Undefined<Faults>>().toExtend<Faults>()
    expectTypeOf<Undefined<NonNullable<Faults['rates']>>>().toExtend<Faults['rates']>()
    expectTypeOf<Undefined<NonNullable<Faults['poison']>>>().toExtend<Faults['poison']>()
    expectTypeOf<Undefined<ReadOptions>>().toExtend<ReadOptions>()
    expectTypeOf<Undefined<JsonReaderOptions>>().toExtend<JsonReaderOptions>()
    expectTypeOf<Undefined<CsvReaderOptions>>().toExtend<CsvReaderOptions>()
    expectTypeOf<Undefined<CsvWriterOptions>>().toExtend<CsvWriterOptions>()
    expectTypeOf<Undefined<OutcomeWriterOptions>>().toExtend<OutcomeWriterOptions>()
    expectTypeOf<Undefined<OutcomeRowOptions>>().toExtend<OutcomeRowOptions>()
    expectTypeOf<Undefined<OffsetTrackerOptions>>().toExtend<OffsetTrackerOptions>()
    expectTypeOf<Undefined<RunKafkaOptions<string>>>().toExtend<Partial<RunKafkaOptions<string>>>()
    expectTypeOf<Undefined<KafkaSourceOptions>>().toExtend<Partial<KafkaSourceOptions>>()
    expectTypeOf<{ clientId: undefined }>().toExtend<Partial<KafkaConnection>>()
  })

  it('by its value', async () => {
    const simulator = await startSimulator({
      latency: { timeToFirstToken: undefined },
      limits: { requestsPerMinute: undefined },
      faults: { seed: undefined, rates: { cut: undefined }, poison: { reset: undefined } },
    })
    await simulator.close()
    const connection = { bootstrapBrokers: ['127.0.0.1:1'] }
    expect(baseOptions({ ...connection, clientId: undefined })).toEqual(baseOptions(connection))
    const source = { connection, groupId: 'g', topics: ['t'], onEvent: () => undefined }
    expect(resolveSource({ ...source, assignor: undefined, sessionTimeout: undefined })).toEqual(
      resolveSource(source),
    )
    const stream = { ...base, client: scriptedClient(echo) }
    const given = { linger: undefined, limiter: undefined, signal: undefined, maxCost: undefined }
    new PackStream({
      ...stream,
      ...given,
      pricing: { input: 1, output: 1, cachedInput: undefined },
    }).destroy()
  })
})
