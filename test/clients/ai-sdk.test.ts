import { createAnthropic } from '@ai-sdk/anthropic'
import { createMistral } from '@ai-sdk/mistral'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { LanguageModelV2, LanguageModelV3, LanguageModelV4 } from '@ai-sdk/provider'
import { describe, expect, expectTypeOf, it, onTestFinished, vi } from 'vitest'
import { PackStream, type PackStreamOptions } from 'llm-pack-stream'
import { fromAiSdk, type AiSdkModel } from 'llm-pack-stream/ai-sdk'
import { startSimulator } from 'llm-pack-stream/simulator'
import * as z from 'zod'
import { chatBody } from '../../src/api/chat.ts'
import { opened } from '../../src/api/client.ts'
import type { Sent } from '../../src/api/api.ts'
import { formOf } from '../../src/api/request-form.ts'
import { resultFormat } from '../../src/request/result-format.ts'
import { collect, gate, patient, texts } from '../helpers/collect.ts'
import { answerOf } from '../helpers/scripted-client.ts'
import { KEY, startVendor, USAGE, vendors, type VendorCall } from './vendors.ts'

type Options = Partial<PackStreamOptions<string, string>>

const streamOf = (model: AiSdkModel, options: Options = {}) =>
  new PackStream<string, string>({
    ...{ ...patient, client: fromAiSdk(model), model: model.modelId, instructions: 'Echo.' },
    ...{ schema: z.string(), ...options },
  })
const echo = (call: VendorCall) => answerOf(call, ({ text }) => text)

it('takes models of the specifications 2, 3 and 4, and says what else it got', () => {
  expectTypeOf<LanguageModelV2 | LanguageModelV3 | LanguageModelV4>().toExtend<AiSdkModel>()
  expect(() => fromAiSdk('openai/gpt-5' as unknown as AiSdkModel)).toThrow(
    "Expected `model` to be a language model of the AI SDK, got 'openai/gpt-5'",
  )
})

describe.each(Object.entries(vendors))('%s', (_name, vendor) => {
  it('answers: with the schema, the output cap, and exact usage', async () => {
    await using server = await startVendor(vendor, (call) => ({ pieces: [echo(call)] }))
    const stream = streamOf(server.model, { maxOutputTokens: 5_000, request: { temperature: 0 } })
    const outcomes = await collect(stream, texts(3))
    expect(outcomes).toMatchObject(texts(3).map((value) => ({ value, pack: { size: 3 } })))
    expect(outcomes[0]?.pack?.responseId).toMatch(/^(msg_01|aQzR)/)
    expect(stream.stats.tokens).toMatchObject({ ...USAGE, estimated: 0 })
    const [{ body }] = server.calls as [VendorCall]
    expect(vendor.schema(body)).toMatchObject({ properties: { results: { items: {} } } })
    expect(vendor.cap(body)).toBe(5_000)
    expect(JSON.stringify(body)).toContain('"temperature":0')
  })

  it('emits each result as soon as its element closes', async () => {
    const first = gate()
    await using server = await startVendor(vendor, (call) => ({
      pieces: (async function* () {
        const text = echo(call)
        const end = text.indexOf('}') + 1
        yield text.slice(0, end)
        await first.opened
        yield text.slice(end)
      })(),
    }))
    const stream = streamOf(server.model)
    stream.on('data', first.open)
    expect(await collect(stream, texts(2))).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }])
  })

  it('is cut at the output cap: only the rest is asked again', async () => {
    await using server = await startVendor(vendor, (call) => {
      const text = echo(call)
      if (call.number > 0) return { pieces: [text] }
      return { pieces: [text.slice(0, text.indexOf('}') + 5)], finish: 'length' }
    })
    const outcomes = await collect(streamOf(server.model), texts(3))
    expect(outcomes).toMatchObject([1, 2, 2].map((attempts) => ({ status: 'fulfilled', attempts })))
    const again = server.calls.slice(1).flatMap(({ records }) => records.map(({ text }) => text))
    expect(again.toSorted()).toEqual(['text 1', 'text 2'])
  })

  it('filters a record', async () => {
    await using server = await startVendor(vendor, (call) =>
      call.records.some(({ text }) => text === 'text 1')
        ? { pieces: [], finish: 'filtered' }
        : { pieces: [echo(call)] },
    )
    const outcomes = await collect(streamOf(server.model, { preserveOrder: true }), texts(2))
    expect(outcomes).toMatchObject([{ value: 'text 0' }, { reason: { code: 'content_filtered' } }])
  })

  it('refuses with 429: the stream waits as the server says, and charges no attempt', async () => {
    await using server = await startVendor(vendor, (call) =>
      call.number === 0 ? { status: 429, message: 'Slow down' } : { pieces: [echo(call)] },
    )
    const stream = streamOf(server.model)
    expect(await collect(stream, texts(2))).toMatchObject([{ attempts: 1 }, { attempts: 1 }])
    expect(stream.stats.rateLimited).toBe(1)
  })

  it('refuses the key: the stream stops, and no message has the key', async () => {
    await using server = await startVendor(vendor, () => ({ status: 401, message: `Unknown key ${KEY}` }))
    const error: unknown = await collect(streamOf(server.model), texts(2)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'not_authorized', unsettled: 2 })
    expect(String(error)).toContain('Unknown key …')
  })

  it('reports an error inside the answer: only the rest is asked again', async () => {
    await using server = await startVendor(vendor, (call) => {
      const text = echo(call)
      if (call.number > 0) return { pieces: [text] }
      return { pieces: [text.slice(0, text.indexOf('}') + 1)], isOverloaded: true }
    })
    const outcomes = await collect(streamOf(server.model), texts(2))
    expect(outcomes).toMatchObject([{ attempts: 1 }, { attempts: 2, status: 'fulfilled' }])
  })

  it('sees that a stream that is destroyed closes the connection', async () => {
    await using server = await startVendor(vendor, () => ({
      pieces: (async function* () {
        yield '{"results":['
        await new Promise(() => undefined)
      })(),
    }))
    const stream = streamOf(server.model, { linger: 0 })
    stream.on('error', () => undefined)
    stream.write('x')
    await expect.poll(() => server.calls.length).toBe(1)
    stream.destroy()
    await server.calls[0]?.closed
  })
})

const latency = { timeToFirstToken: 1, outputTokensPerSecond: Infinity }
const compatible: Record<string, (connect: { baseURL: string; apiKey: string }) => AiSdkModel> = {
  '@ai-sdk/mistral': (connect) => createMistral(connect)('mistral-small-latest'),
  '@ai-sdk/openai-compatible': (connect) =>
    createOpenAICompatible({ ...connect, name: 'x', supportsStructuredOutputs: true, includeUsage: true })(
      'm',
    ),
}

const prompt = {
  model: 'm',
  system: 'Echo.',
  user: 'x',
  maxOutputTokens: undefined,
  form: formOf('json_schema'),
}

describe.each(Object.entries(compatible))('%s, with the simulator', (name, connect) => {
  const schema = z.enum(['card', 'fee'])
  const job = { ...patient, instructions: 'Label.', schema }

  it('labels records, and tells the rate-limit headers', async () => {
    await using simulator = await startSimulator({ latency, limits: { requestsPerMinute: 6_000 } })
    const model = connect({ baseURL: simulator.baseURL, apiKey: 'k' })
    const client = fromAiSdk(model)
    const stream = new PackStream({ ...job, client, model: 'm' })
    const outcomes = await collect(stream, ['My card is lost', 'What is this fee?'])
    expect(outcomes).toMatchObject([{ value: 'card' }, { value: 'fee' }])
    // Mistral's own API reports the usage although its package does not ask for it.
    if (!name.includes('mistral')) expect(stream.stats.tokens.output).toBe(simulator.stats.outputTokens)
    const body = chatBody({ ...prompt, jsonSchema: resultFormat(schema).jsonSchema }, {})
    const sent = await opened(client.chat.completions.create(body) as Sent)
    expect((sent.headers as Headers).get('x-ratelimit-limit-requests')).toBe('6000')
    sent.close()
  })

  it('says once what the model does not support', async () => {
    await using simulator = await startSimulator({ latency })
    const warnings: Error[] = []
    const listen = (warning: Error) => warnings.push(warning)
    process.on('warning', listen)
    onTestFinished(() => void process.off('warning', listen))
    const model = connect({ baseURL: simulator.baseURL, apiKey: 'k' })
    const client = fromAiSdk(model)
    const stream = new PackStream({ ...job, client, model: 'm', maxPackRecords: 1, request: { top_k: 5 } })
    await collect(stream, ['card', 'fee'])
    await expect.poll(() => warnings.length).toBe(1)
    expect(warnings[0]).toMatchObject({
      name: 'AiSdkWarning',
      message: expect.stringContaining('topK') as string,
    })
  })
})

it('reads the flat usage and the plain finish reason of the AI SDK 5', async () => {
  const doStream: LanguageModelV2['doStream'] = ({ prompt }) => {
    const id = /id="(\d+)"/.exec(JSON.stringify(prompt).replaceAll('\\', ''))?.[1]
    const usage = {
      inputTokens: 9,
      outputTokens: 7,
      totalTokens: 16,
      reasoningTokens: 3,
      cachedInputTokens: 4,
    }
    const parts = [
      { type: 'text-delta', id: '0', delta: `{"results":[{"id":${id},"value":"a"}]}` },
      { type: 'finish', usage, finishReason: 'stop' },
    ] as const
    return Promise.resolve({ stream: ReadableStream.from(parts) })
  }
  const stream = streamOf({ provider: 'p', modelId: 'm', doStream })
  expect(await collect(stream, ['x'])).toMatchObject([{ value: 'a' }])
  expect(stream.stats.tokens).toMatchObject({ input: 9, cached: 4, output: 7, reasoning: 3, estimated: 0 })
})

describe('without a key', () => {
  it.each([
    ['@ai-sdk/mistral', () => createMistral({ baseURL: 'http://127.0.0.1:9' })('m'), 'MISTRAL_API_KEY'],
    ['@ai-sdk/anthropic', () => createAnthropic({ baseURL: 'http://127.0.0.1:9' })('m'), 'ANTHROPIC_API_KEY'],
  ])('%s: the stream ends at once, and says what to set', async (_name, make, variable) => {
    vi.stubEnv(variable, undefined)
    onTestFinished(() => void vi.unstubAllEnvs())
    await expect(collect(streamOf(make()), ['x'])).rejects.toMatchObject({
      code: 'not_authorized',
      message: expect.stringContaining(variable) as string,
      unsettled: 1,
    })
  })

  it('a package whose headers come later: the stream ends at once, and the process goes on', async () => {
    const fail = () => Promise.reject(Object.assign(new Error('No key'), { name: 'AI_LoadAPIKeyError' }))
    const model = { provider: 'p', modelId: 'm', doStream: fail, config: { headers: fail } }
    await expect(collect(streamOf(model), ['x'])).rejects.toMatchObject({ code: 'not_authorized' })
  })
})

it.each([
  ['AI_NoSuchModelError', 'not_found'],
  ['AI_UnsupportedFunctionalityError', 'bad_request'],
  ['AI_LoadSettingError', 'bad_request'],
])('a refusal of the package itself is no failure of the connection: %s', async (name, code) => {
  const error = Object.assign(new Error('It cannot be'), { name })
  const model: AiSdkModel = { provider: 'p', modelId: 'm', doStream: () => Promise.reject(error) }
  await expect(collect(streamOf(model), ['x'])).rejects.toMatchObject({
    code,
    message: expect.stringContaining('It cannot be') as string,
  })
})

it('an answer without a body is named', async () => {
  const fetch = () => Promise.resolve(new Response(null, { status: 204 }))
  const model = createMistral({ baseURL: 'http://127.0.0.1:9', apiKey: 'k', fetch })('m')
  const outcomes = await collect(streamOf(model, { maxAttempts: 1 }), ['x'])
  expect(outcomes).toMatchObject([{ reason: { cause: { code: 'not_a_stream' } } }])
})

it('takes no model of the AI SDK 4', () => {
  const model = { specificationVersion: 'v1', provider: 'p', modelId: 'm', doStream: () => undefined }
  expect(() => fromAiSdk(model as unknown as AiSdkModel)).toThrow("to be 'v2' or later")
})

it('ends the stream at once where no key is set', async () => {
  const error = Object.assign(new Error('The key is missing'), { name: 'AI_LoadAPIKeyError' })
  const model: AiSdkModel = { provider: 'p', modelId: 'm', doStream: () => Promise.reject(error) }
  await expect(collect(streamOf(model), ['x'])).rejects.toMatchObject({ code: 'not_authorized' })
})
