/**
 * Measures the cost of faults. Three clients send the same records through the same server. 0%, 1%,
 * 5% and 20% of its requests fail, with all kinds of faults. The clients are:
 *
 * - this library;
 * - packs of the same size, where a failed pack is repeated as a whole until it is right;
 * - one record in each plain request, repeated until it is right.
 *
 * The faults of a client cost the difference to 0%: in requests, and in tokens as the server
 * counted them.
 */
import { readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { PackStream } from 'llm-pack-stream'
import type { FaultKind } from 'llm-pack-stream/simulator'
import * as z from 'zod'
import { chatBody } from '../../src/api/chat.ts'
import { formOf } from '../../src/api/request-form.ts'
import { idAt } from '../../src/request/ids.ts'
import { systemMessage, userMessage } from '../../src/request/prompt.ts'
import { resultFormat } from '../../src/request/result-format.ts'
import { startSimulatorProcess } from '../helpers/simulator-process.ts'
import { atOnce } from './stats.ts'

const RECORDS = 5_000
const PACK = 25
const AT_ONCE = 8
const RATES = [0, 0.01, 0.05, 0.2]
const SEEDS = [1, 2, 3, 4]
const INSTRUCTIONS = 'Label each message of a customer.'
/** Enough attempts that no record is rejected at any rate. */
const MOST_TRIES = 12

/** All kinds of faults except `stall`, which costs only time. */
const KINDS: readonly FaultKind[] = [
  ...([
    'rate_limit',
    'server_error',
    'reset_before',
    'reset_inside',
    'silent_end',
    'cut',
    'missing',
  ] as const),
  ...([
    'repeated',
    'unknown',
    'shuffled',
    'invalid',
    'html',
    'whitespace',
    'error_frame',
    'free_text',
  ] as const),
]

const tickets = readFileSync(new URL('../../examples/data/tickets.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { text: string; label: string })
const labels = [...new Set(tickets.map(({ label }) => label))]
const texts = Array.from({ length: RECORDS }, (_, i) => `${i}: ${tickets[i % tickets.length]?.text ?? ''}`)
const schema = z.object({ predicted_category: z.enum(labels), confidence: z.number() })
const format = resultFormat(schema)
const system = systemMessage(INSTRUCTIONS, format, [])
const plainFormat = zodResponseFormat(schema, 'result')

/** Runs the job. Returns the number of records without a result. */
type Way = (client: OpenAI) => Promise<number>

const ours: Way = async (client) => {
  const stream = new PackStream({
    ...{ client, model: 'm', instructions: INSTRUCTIONS, schema, maxPackRecords: PACK, maxInFlight: AT_ONCE },
    maxAttempts: MOST_TRIES,
  })
  let rejected = 0
  await pipeline(texts, stream, async (outcomes) => {
    for await (const outcome of outcomes) if (outcome.status === 'rejected') rejected += 1
  })
  return rejected
}

/** Tries until the request succeeds. Returns whether it succeeded. */
async function untilRight(attempt: () => Promise<void>): Promise<boolean> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    try {
      await attempt()
      return true
    } catch {
      // The whole pack again.
    }
  }
  return false
}

const wholePacks: Way = async (client) => {
  const packs = Array.from({ length: Math.ceil(RECORDS / PACK) }, (_, i) =>
    texts.slice(i * PACK, (i + 1) * PACK),
  )
  let lost = 0
  await atOnce(
    AT_ONCE,
    packs.map((pack) => async () => {
      const isRight = await untilRight(async () => {
        const prompt = { model: 'm', system, user: userMessage(pack, 0), jsonSchema: format.jsonSchema }
        const stream = await client.chat.completions.create(
          chatBody({ ...prompt, maxOutputTokens: 4_000, form: formOf('json_schema') }, {}),
        )
        const ids = new Set<unknown>()
        for (const element of await resultsOf(stream)) {
          const { id, ...result } = element as { id: unknown }
          if (ids.has(id)) throw new Error('An id came twice')
          ids.add(id)
          schema.parse(result)
        }
        if (pack.some((_, i) => !ids.has(idAt(i))) || ids.size !== pack.length) throw new Error('Other ids')
      })
      if (!isRight) lost += pack.length
    }),
  )
  return lost
}

/** Returns the results of a complete answer. */
async function resultsOf(stream: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<unknown[]> {
  const { results } = JSON.parse(await contentOf(stream)) as { results: unknown[] }
  return results
}

async function contentOf(stream: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<string> {
  let text = ''
  let isFinished = false
  for await (const { choices } of stream) {
    text += choices[0]?.delta.content ?? ''
    isFinished ||= choices[0]?.finish_reason === 'stop'
  }
  if (!isFinished) throw new Error('Cut')
  return text
}

const oneByOne: Way = async (client) => {
  let lost = 0
  await atOnce(
    AT_ONCE,
    texts.map((text) => async () => {
      const isRight = await untilRight(async () => {
        const stream = await client.chat.completions.create({
          model: 'm',
          messages: [
            { role: 'system', content: INSTRUCTIONS },
            { role: 'user', content: text },
          ],
          response_format: plainFormat,
          max_completion_tokens: 200,
          stream: true,
        })
        schema.parse(JSON.parse(await contentOf(stream)))
      })
      if (!isRight) lost += 1
    }),
  )
  return lost
}

const ways: Record<string, Way> = {
  ours,
  'whole packs again': wholePacks,
  'one record a request': oneByOne,
}

/** The cost of one job, as the server counted it. */
async function underFaults(way: Way, rate: number, seed: number) {
  const rates = Object.fromEntries(KINDS.map((kind) => [kind, rate / KINDS.length]))
  const latency = { timeToFirstToken: 0, promptTokensPerSecond: Infinity, outputTokensPerSecond: Infinity }
  const server = await startSimulatorProcess({ latency, faults: { seed, rates } })
  const client = new OpenAI({ baseURL: server.baseURL, apiKey: 'simulator', maxRetries: 0 })
  const lost = await way(client)
  const { requests, inputTokens, outputTokens } = await server.stats()
  await server.stop()
  return { requests, tokens: inputTokens + outputTokens, lost }
}

export async function faults(): Promise<void> {
  console.log(
    `faults: ${RECORDS} records, packs of ${PACK}, ${AT_ONCE} requests at once, mean of ${SEEDS.length} seeds`,
  )
  const rows: Record<string, object> = {}
  for (const [name, way] of Object.entries(ways)) {
    let clean = { requests: NaN, tokens: NaN }
    for (const rate of RATES) {
      let [requests, tokens, lost] = [0, 0, 0]
      for (const seed of SEEDS) {
        const run = await underFaults(way, rate, seed)
        requests += run.requests / SEEDS.length
        tokens += run.tokens / SEEDS.length
        lost += run.lost
      }
      if (rate === 0) clean = { requests, tokens }
      rows[`${rate * 100}% ${name}`] = {
        requests: Math.round(requests),
        'extra requests': percent(requests / clean.requests - 1),
        tokens: Math.round(tokens),
        'wasted tokens': percent(tokens / clean.tokens - 1),
        'tokens a record': (tokens / RECORDS).toFixed(1),
        'records lost': lost,
      }
    }
  }
  const sorted = Object.entries(rows).toSorted(([a], [b]) => parseFloat(a) - parseFloat(b))
  console.table(Object.fromEntries(sorted))
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}
