/**
 * Measures the notebook's job, Banking77 with its 77 labels in the prompt, under limits of 500
 * requests and 200,000 tokens per minute, which the simulator enforces. Time runs six times as
 * fast: the limits are six times as high, and the latency is a sixth. The clients are:
 *
 * - this library, with a `RateLimiter` that knows the limits;
 * - one record in each plain request, with the same number of requests at once and the SDK's own
 *   retries.
 *
 * The measurement starts after a warm-up, which uses up the server's full bucket.
 */
import { existsSync, readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'csv-parse/sync'
import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { PackStream, RateLimiter } from 'llm-pack-stream'
import type { SimulatorStats } from 'llm-pack-stream/simulator'
import * as z from 'zod'
import { startSimulatorProcess } from '../helpers/simulator-process.ts'

const SPEED = 6
const LIMITS = { requestsPerMinute: 500, tokensPerMinute: 200_000 }
const FAST = {
  requestsPerMinute: LIMITS.requestsPerMinute * SPEED,
  tokensPerMinute: LIMITS.tokensPerMinute * SPEED,
}
const AT_ONCE = 32
/** Durations in real ms. */
const WARM_UP = 15_000
const MEASURED = 30_000
/** Prices of gpt-4o-mini, in US dollars per million tokens. */
const PRICE = { input: 0.15, cachedInput: 0.075, output: 0.6 }

const file = new URL('../../../shared/banking77/train.csv', import.meta.url)

interface Job {
  readonly client: OpenAI
  readonly texts: () => Generator<string>
  readonly instructions: string
  readonly labels: readonly string[]
  readonly onRecord: () => void
  readonly signal: AbortSignal
}

/** Runs until the signal aborts. */
type Way = (job: Job) => Promise<void>

const schemaOf = (labels: readonly string[]) => z.object({ label: z.enum(labels), confidence: z.number() })

const ours: Way = async ({ client, texts, instructions, labels, onRecord, signal }) => {
  const stream = new PackStream({
    ...{ client, model: 'm', instructions, schema: schemaOf(labels), maxInFlight: AT_ONCE, signal },
    limiter: new RateLimiter(FAST),
  })
  await pipeline(texts, stream, async (outcomes) => {
    for await (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason
      onRecord()
    }
  }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

const plain: Way = async ({ client, texts, instructions, labels, onRecord, signal }) => {
  const schema = schemaOf(labels)
  const format = zodResponseFormat(schema, 'result')
  const queue = texts()
  const worker = async () => {
    for (const text of queue) {
      const { choices } = await client.chat.completions.create(
        {
          model: 'm',
          messages: [
            { role: 'system', content: instructions },
            { role: 'user', content: text },
          ],
          response_format: format,
        },
        // Retries without end. With the default of 2, records would be lost.
        { signal, maxRetries: 1e9 },
      )
      schema.parse(JSON.parse(choices[0]?.message.content ?? ''))
      onRecord()
    }
  }
  const workers = Array.from({ length: AT_ONCE }, worker)
  for (const result of await Promise.allSettled(workers)) {
    if (result.status === 'rejected' && !signal.aborted) throw result.reason
  }
}

const ways: Record<string, Way> = { 'packs of 25': ours, 'one record a request': plain }

export async function limits(): Promise<void> {
  if (!existsSync(file)) {
    console.log('limits: skipped, as it wants Banking77 (train.csv) in ../shared/banking77')
    return
  }
  const rows = parse(readFileSync(file), { columns: true }) as unknown as { text: string; category: string }[]
  const labels = [...new Set(rows.map(({ category }) => category))].sort()
  const instructions = `Categorise each query of a customer of a bank. The categories are:\n${labels.join('\n')}`
  const texts = function* () {
    // The step and the number of records have no common factor. The file is sorted by label, so the
    // step mixes the labels.
    for (let i = 0; ; i = (i + 4_001) % rows.length) yield rows[i]?.text ?? ''
  }
  const { requestsPerMinute, tokensPerMinute } = LIMITS
  console.log(
    `limits: ${requestsPerMinute} requests, ${tokensPerMinute} tokens a minute, ${AT_ONCE} requests at once`,
  )
  const table: Record<string, Record<string, string | number>> = {}
  const perMinute: number[] = []
  for (const [name, way] of Object.entries(ways)) {
    const server = await startSimulatorProcess({
      limits: FAST,
      latency: {
        timeToFirstToken: 300 / SPEED,
        promptTokensPerSecond: 10_000 * SPEED,
        outputTokensPerSecond: 80 * SPEED,
        slowdown: 0,
      },
    })
    const client = new OpenAI({ baseURL: server.baseURL, apiKey: 'simulator', maxRetries: 0 })
    const abort = new AbortController()
    let records = 0
    const job = way({
      client,
      texts,
      instructions,
      labels,
      signal: abort.signal,
      onRecord: () => (records += 1),
    })
    await sleep(WARM_UP)
    const [before, recordsBefore, startedAt] = [await server.stats(), records, performance.now()]
    await sleep(MEASURED)
    const [after, recordsAfter, endedAt] = [await server.stats(), records, performance.now()]
    abort.abort()
    await job
    await server.stop()

    const minutes = ((endedAt - startedAt) / 60_000) * SPEED
    const of = (count: (stats: SimulatorStats) => number) => count(after) - count(before)
    const done = recordsAfter - recordsBefore
    perMinute.push(done / minutes)
    const [input, cached, output] = [
      of((s) => s.inputTokens),
      of((s) => s.cachedTokens),
      of((s) => s.outputTokens),
    ]
    const dollars =
      ((input - cached) * PRICE.input + cached * PRICE.cachedInput + output * PRICE.output) / 1e6
    const passed = of((stats) => stats.requests - stats.rateLimited)
    const used = {
      requests: passed / minutes / requestsPerMinute,
      tokens: of((stats) => stats.chargedTokens) / minutes / tokensPerMinute,
    }
    table[name] = {
      'records a minute': Math.round(done / minutes),
      'requests a minute': Math.round(passed / minutes),
      '429s a minute': Math.round(of((stats) => stats.rateLimited) / minutes),
      '429s': percent(of((stats) => stats.rateLimited) / of((stats) => stats.requests)),
      'of the requests limit': percent(used.requests),
      'of the tokens limit': percent(used.tokens),
      'bound by': used.requests > used.tokens ? 'requests' : 'tokens',
      'input tokens a 1,000': Math.round((input / done) * 1_000),
      'of them cached': percent(cached / input),
      'output tokens a 1,000': Math.round((output / done) * 1_000),
      'dollars a 1,000': ((dollars / done) * 1_000).toFixed(4),
    }
  }
  const columns = Object.keys(Object.values(table)[0] ?? {})
  console.table(
    Object.fromEntries(
      columns.map((column) => [
        column,
        Object.fromEntries(Object.entries(table).map(([way, row]) => [way, row[column]])),
      ]),
    ),
  )
  console.log(
    `ours does ${((perMinute[0] ?? NaN) / (perMinute[1] ?? NaN)).toFixed(1)} times the records a minute`,
  )
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}
