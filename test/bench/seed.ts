/**
 * Measures the job of the notebook with which this project began: 300 records, about 0.32 s for
 * each request and 0.41 s of decoding for each record. Here it runs twenty times as fast. Four
 * clients do the job against the same simulator, in one run:
 *
 * - one record in each plain request, one request at a time;
 * - one record in each plain request, with as many requests at once as this library;
 * - packs of 60, one at a time, read after their end (the notebook's packed way);
 * - this library.
 *
 * The notebook's latency is per record, and the simulator's is per token. So each of the two forms
 * of answer has its own server, at the rate at which its mean record takes 0.41 s / 20. The
 * benchmark also prints how many fewer tokens a plain answer has.
 */
import { readFileSync } from 'node:fs'
import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { PackStream, type ChatClient } from 'llm-pack-stream'
import * as z from 'zod'
import { chatBody } from '../../src/api/chat.ts'
import { formOf } from '../../src/api/request-form.ts'
import { systemMessage, userMessage } from '../../src/request/prompt.ts'
import { resultFormat } from '../../src/request/result-format.ts'
import { startSimulatorProcess } from '../helpers/simulator-process.ts'
import { atOnce, median } from './stats.ts'

const RECORDS = 300
const REQUEST_MS = 320 / 20
const RECORD_MS = 410 / 20
const INSTRUCTIONS = 'Label each message of a customer.'
const ROUNDS = 3

const tickets = readFileSync(new URL('../../examples/data/tickets.jsonl', import.meta.url), 'utf8')
  .split('\n', RECORDS)
  .map((line) => JSON.parse(line) as { text: string; label: string })
const labels = [...new Set(tickets.map(({ label }) => label))]
const schema = z.object({ predicted_category: z.enum(labels), confidence: z.number() })
const format = resultFormat(schema)
const system = systemMessage(INSTRUCTIONS, format, [])
const plainFormat = zodResponseFormat(schema, 'result')

async function startServer(outputTokensPerSecond: number) {
  const { baseURL, stop } = await startSimulatorProcess({
    latency: {
      timeToFirstToken: REQUEST_MS,
      promptTokensPerSecond: Infinity,
      outputTokensPerSecond,
      slowdown: 0,
    },
  })
  return { client: new OpenAI({ baseURL, apiKey: 'simulator', maxRetries: 0 }), stop }
}

/**
 * The usual way without packs: no protocol, no tags and no ids. The answer is parsed after its end.
 * Returns the number of output tokens.
 */
async function askOne(client: OpenAI, { text }: { text: string }): Promise<number> {
  const { choices, usage } = await client.chat.completions.create({
    model: 'm',
    messages: [
      { role: 'system', content: INSTRUCTIONS },
      { role: 'user', content: text },
    ],
    response_format: plainFormat,
  })
  schema.parse(JSON.parse(choices[0]?.message.content ?? ''))
  return usage?.completion_tokens ?? NaN
}

/**
 * The notebook's packed way: several records in a request whose answer is read after its end.
 * Returns the number of output tokens.
 */
async function askPack(client: OpenAI, records: readonly { text: string }[]): Promise<number> {
  const user = userMessage(
    records.map(({ text }) => text),
    0,
  )
  const body = chatBody(
    {
      model: 'm',
      system,
      user,
      jsonSchema: format.jsonSchema,
      maxOutputTokens: undefined,
      form: formOf('json_schema'),
    },
    {},
  )
  const whole = { ...body, stream: false, stream_options: null } as const
  const { choices, usage } = await client.chat.completions.create(whole)
  const { results } = JSON.parse(choices[0]?.message.content ?? '') as { results: unknown[] }
  if (results.length !== records.length)
    throw new Error(`Expected ${records.length} results, got ${results.length}`)
  return usage?.completion_tokens ?? NaN
}

async function time(job: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await job()
  return performance.now() - start
}

interface Run {
  readonly elapsed: number
  readonly firstResult: number
  /** The shortest possible time of the same packs in the same order. */
  readonly ideal: number
}

async function ours(
  client: OpenAI,
  maxInFlight: number,
  maxPackRecords: number,
  msPerToken: number,
): Promise<Run> {
  const outputTokens: number[] = []
  const stream = new PackStream({
    client: watched(client, outputTokens),
    ...{ model: 'm', instructions: INSTRUCTIONS, schema, maxInFlight, maxPackRecords },
    serialize: ({ text }: { text: string }) => text,
  })
  const start = performance.now()
  let firstResult = NaN
  for (const ticket of tickets) stream.write(ticket)
  stream.end()
  let count = 0
  for await (const outcome of stream) {
    if (outcome.status === 'rejected') throw outcome.reason
    if (count === 0) firstResult = performance.now() - start
    count += 1
  }
  const elapsed = performance.now() - start
  if (count !== RECORDS) throw new Error(`Expected ${RECORDS} outcomes, got ${count}`)
  const slots = Array<number>(maxInFlight).fill(0)
  for (const tokens of outputTokens) {
    const free = slots.indexOf(Math.min(...slots))
    slots[free] = slots[free]! + REQUEST_MS + tokens * msPerToken
  }
  return { elapsed, firstResult, ideal: Math.max(...slots) }
}

/** Collects the output tokens of each request, in the order of sending. */
function watched(client: OpenAI, outputTokens: number[]): ChatClient {
  let sent = 0
  return {
    chat: {
      completions: {
        async create(body, options) {
          const number = sent++
          const stream = await client.chat.completions.create(body, options)
          return (async function* () {
            for await (const chunk of stream) {
              if (chunk.usage) outputTokens[number] = chunk.usage.completion_tokens
              yield chunk
            }
          })()
        },
      },
    },
  }
}

export async function seed(): Promise<void> {
  const counter = await startServer(Infinity)
  const packedTokens = (await askPack(counter.client, tickets)) / RECORDS
  let plainTokens = 0
  for (const ticket of tickets) plainTokens += (await askOne(counter.client, ticket)) / RECORDS
  await counter.stop()
  const packedServer = await startServer((packedTokens / RECORD_MS) * 1000)
  const plainServer = await startServer((plainTokens / RECORD_MS) * 1000)
  const [client, plain] = [packedServer.client, plainServer.client]
  const msPerToken = RECORD_MS / packedTokens
  try {
    // The first requests of a process include the time for its compiler and its sockets.
    await atOnce(
      8,
      tickets.slice(0, 40).map((ticket) => () => askOne(plain, ticket)),
    )
    await ours(client, 8, 25, msPerToken)

    const singleTimes: number[] = []
    const oneByOne = await time(async () => {
      for (const ticket of tickets) singleTimes.push(await time(() => askOne(plain, ticket)))
    })
    const packs = Array.from({ length: RECORDS / 60 }, (_, i) => tickets.slice(i * 60, (i + 1) * 60))
    let firstPack = NaN
    const notebook = await time(async () => {
      for (const pack of packs) {
        const elapsed = await time(() => askPack(client, pack))
        if (pack === packs[0]) firstPack = elapsed
      }
    })
    const single = median(singleTimes)
    const rows = [
      { way: 'one by one, 1 at a time', elapsed: oneByOne, firstResult: singleTimes[0]!, ideal: NaN },
      { way: 'packs of 60, 1 at a time, read whole', elapsed: notebook, firstResult: firstPack, ideal: NaN },
    ]
    for (const maxInFlight of [4, 6, 8]) {
      const jobs = tickets.map((ticket) => () => askOne(plain, ticket))
      const elapsed = await time(() => atOnce(maxInFlight, jobs))
      rows.push({ way: `one by one, ${maxInFlight} at a time`, elapsed, firstResult: single, ideal: NaN })
    }
    for (const maxInFlight of [4, 6, 8]) {
      const runs: Run[] = []
      for (let i = 0; i < ROUNDS; i++) runs.push(await ours(client, maxInFlight, 25, msPerToken))
      rows.push({
        way: `ours, packs of 25, ${maxInFlight} at a time`,
        elapsed: median(runs.map((run) => run.elapsed)),
        firstResult: median(runs.map((run) => run.firstResult)),
        ideal: median(runs.map((run) => run.ideal)),
      })
    }

    console.log(`seed: ${RECORDS} records, ${REQUEST_MS} ms a request, ${RECORD_MS} ms a record`)
    console.log(`      one record alone takes ${single.toFixed(1)} ms (median)`)
    const tokens = `${plainTokens.toFixed(1)} output tokens, a packed one ${packedTokens.toFixed(1)}`
    console.log(`      a plain answer has ${tokens}\n`)
    console.table(
      Object.fromEntries(
        rows.map(({ way, elapsed, firstResult, ideal }) => [
          way,
          {
            'time, ms': Math.round(elapsed),
            'records/s': Math.round((RECORDS / elapsed) * 1000),
            '× notebook packed': (notebook / elapsed).toFixed(2),
            'first result, ms': firstResult.toFixed(1),
            '× one record alone': (firstResult / single).toFixed(2),
            ...(Number.isNaN(ideal) ? {} : { '× ideal schedule': (elapsed / ideal).toFixed(3) }),
          },
        ]),
      ),
    )
  } finally {
    await packedServer.stop()
    await plainServer.stop()
  }
}

if (import.meta.main) await seed()
