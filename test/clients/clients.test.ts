import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { observeOpenAI } from '@langfuse/openai'
import Cerebras from '@cerebras/cerebras_cloud_sdk'
import Groq from 'groq-sdk'
import { Client as LangSmith, type RunTree } from 'langsmith'
import { wrapOpenAI } from 'langsmith/wrappers'
import OpenAI from 'openai'
import OpenAI5 from 'openai-v5'
import OpenAI6 from 'openai-v6'
import { Portkey } from 'portkey-ai'
import Together from 'together-ai'
import { describe, expect, it } from 'vitest'
import { PackStream, type ChatClient, type ResponsesClient } from 'llm-pack-stream'
import { startSimulator, type Simulator, type SimulatorOptions } from 'llm-pack-stream/simulator'
import * as z from 'zod'
import { collect, patient } from '../helpers/collect.ts'

// The real packages, over real sockets. No package may reach a network: each has a base URL on
// loopback, and nothing turns the tracing of LangSmith and Langfuse on.

const latency = { timeToFirstToken: 1, outputTokensPerSecond: Infinity }
const simulate = (options: SimulatorOptions = {}) => startSimulator({ latency, ...options })

type Connect = { baseURL: string; apiKey: string }
/** This client adds `/openai/v1` to its base URL, and the simulator listens at `/v1`. */
const groq = ({ baseURL, apiKey }: Connect) =>
  new Groq({
    ...{ baseURL: new URL('/', baseURL).href, apiKey },
    fetch: (url, init) => fetch((url as string).replace('/openai/v1', '/v1'), init),
  })
/** This client adds `/v1` to its base URL. */
const cerebras = ({ baseURL, apiKey }: Connect) =>
  new Cerebras({ baseURL: new URL('/', baseURL).href, apiKey, warmTCPConnection: false })

const both: Record<string, (connect: Connect) => ChatClient & ResponsesClient> = {
  'openai 5': (connect) => new OpenAI5(connect),
  'openai 6': (connect) => new OpenAI6(connect),
  'openai 7': (connect) => new OpenAI(connect),
  'portkey-ai': (connect) => new Portkey(connect),
  'LangSmith, openai 6': (connect) => wrapOpenAI(new OpenAI6(connect)),
  'LangSmith, openai 7': (connect) => wrapOpenAI(new OpenAI(connect)),
  'Langfuse, openai 6': (connect) => observeOpenAI(new OpenAI6(connect)),
  'Langfuse, openai 7': (connect) => observeOpenAI(new OpenAI(connect)),
}
const chat: Record<string, (connect: Connect) => ChatClient> = {
  'groq-sdk': groq,
  'together-ai': (connect) => new Together(connect),
  '@cerebras/cerebras_cloud_sdk': cerebras,
}
const ways = [
  ...Object.entries({ ...both, ...chat }).map(([name, connect]) => ({ name, api: 'chat' as const, connect })),
  ...Object.entries(both).map(([name, connect]) => ({ name, api: 'responses' as const, connect })),
]

const job = { ...patient, model: 'm', instructions: 'Label.', schema: z.enum(['card', 'fee', 'top up']) }
const records = ['My card is lost', 'What is this fee?', 'I cannot top up', 'A fee again', 'Card, please']
const labels = ['card', 'fee', 'top up', 'fee', 'card']

/** A server before the simulator that answers the first request with status 500. */
async function failFirst(simulator: Simulator): Promise<AsyncDisposable & { baseURL: string }> {
  let requests = 0
  const server = createServer((incoming, outgoing) => {
    requests += 1
    if (requests === 1) {
      const error = { message: 'Not now', type: 'server_error' }
      outgoing.writeHead(500, { 'content-type': 'application/json', 'retry-after-ms': '1' })
      outgoing.end(JSON.stringify({ error }))
      return
    }
    const { method, headers } = incoming
    const to = request(new URL(incoming.url!, simulator.baseURL), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(to)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.close()
    server.closeAllConnections()
    return Promise.resolve()
  }
  const { port } = server.address() as AddressInfo
  return { baseURL: `http://127.0.0.1:${port}/v1`, [Symbol.asyncDispose]: close }
}

describe.concurrent.each(ways)('$name, $api', ({ name, api, connect }) => {
  it('labels records, also when a request fails', async ({ expect }) => {
    // Vitest fails if a promise is rejected and has no handler, which would end a process.
    await using simulator = await simulate()
    await using server = await failFirst(simulator)
    const client = connect({ baseURL: server.baseURL, apiKey: 'k' })
    const stream = new PackStream({ ...job, client, api })
    const outcomes = (await collect(stream, records)).toSorted((a, b) => a.index - b.index)
    expect(outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value)).toEqual(labels)
    expect(simulator.stats.requests).toBe(1)
    // Only this client tries again by itself. It has no option against that.
    expect(stream.stats.requests).toBe(name === 'portkey-ai' ? 1 : 2)
    expect(stream.stats.tokens.estimated).toBe(0)
  })

  it('says that the key is wrong, without the key', async ({ expect }) => {
    await using simulator = await simulate({ apiKey: 'right' })
    const client = connect({ baseURL: simulator.baseURL, apiKey: 'sk-wrong-0123456789' })
    const error: unknown = await collect(new PackStream({ ...job, client, api }), records).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ code: 'not_authorized', unsettled: 5 })
    expect(String(error)).not.toContain('0123456789')
  })

  it('closes the connection of a stream that is destroyed', async ({ expect }) => {
    await using simulator = await simulate({ latency: { ...latency, outputTokensPerSecond: 1 } })
    const client = connect({ baseURL: simulator.baseURL, apiKey: 'k' })
    const stream = new PackStream({ ...job, client, api, linger: 0 })
    stream.on('error', () => undefined)
    stream.write('My card is lost')
    await expect.poll(() => simulator.stats.inFlight).toBe(1)
    stream.destroy()
    await expect.poll(() => simulator.stats).toMatchObject({ aborted: 1, inFlight: 0 })
  })
})

it.each([
  ['openai 6', (connect: Connect) => new OpenAI6(connect)],
  ['openai 7', (connect: Connect) => new OpenAI(connect)],
])('LangSmith sees the whole answer, with %s', async (_name, connect) => {
  await using simulator = await simulate()
  const runs: RunTree[] = []
  const tracer = new LangSmith({
    ...{ apiUrl: simulator.baseURL, apiKey: 'k', autoBatchTracing: false },
    fetchImplementation: () => Promise.resolve(new Response('{}')),
  })
  const client = wrapOpenAI(connect({ baseURL: simulator.baseURL, apiKey: 'k' }), {
    ...{ client: tracer, tracingEnabled: true },
    on_end: (run: RunTree | undefined) => {
      if (run) runs.push(run)
    },
  })
  const outcomes = await collect(new PackStream({ ...job, client }), records)
  expect(outcomes.map(({ status }) => status)).toEqual(records.map(() => 'fulfilled'))
  await expect.poll(() => runs.length).toBe(1)
  const { content } = (runs[0]?.outputs as { choices: { message: { content: string } }[] }).choices[0]!
    .message
  const { results } = JSON.parse(content) as { results: unknown[] }
  expect(results).toHaveLength(records.length)
})
