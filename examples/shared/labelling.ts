import { pipeline } from 'node:stream/promises'
import type OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { PackStream, type Outcome, type Pricing, type Stats } from 'llm-pack-stream'
import * as z from 'zod'

/** A text and the label that it should get. */
export interface Labelled {
  readonly text: string
  readonly label: string
}

export interface Job {
  readonly client: OpenAI
  readonly model: string
  readonly labels: readonly string[]
  readonly instructions: string
  readonly pricing: Pricing & { readonly cachedInput: number }
  readonly maxInFlight: number
  readonly signal: AbortSignal
}

export type LabelOutcome = Outcome<Labelled, { label: string; confidence: number }>

/** The figures of a job so far. Times are milliseconds. */
export interface Measured {
  readonly records: number
  readonly fulfilled: number
  readonly correct: number
  readonly requests: number
  readonly inFlight: number
  readonly elapsed: number
  readonly timeToFirstResult: number
  readonly tokens: { readonly input: number; readonly cached: number; readonly output: number }
  readonly cost: number
}

const schemaOf = (labels: readonly string[]) => z.object({ label: z.enum(labels), confidence: z.number() })

/** Labels all records of the source, in packs. */
export async function labelInPacks(
  source: Iterable<Labelled> | AsyncIterable<Labelled>,
  { labels, ...options }: Job,
  maxPackRecords: number,
  onOutcome: (outcome: LabelOutcome, measured: Measured) => void,
): Promise<Measured> {
  const stream = new PackStream({
    ...options,
    maxPackRecords,
    schema: schemaOf(labels),
    serialize: (record: Labelled) => record.text,
    request: { temperature: 0 },
  })
  const start = performance.now()
  let timeToFirstResult = NaN
  let correct = 0
  const measured = ({ records, requests, inFlight, tokens, cost }: Stats): Measured => ({
    ...{ records: records.fulfilled + records.rejected, fulfilled: records.fulfilled, correct, requests },
    ...{ inFlight, elapsed: performance.now() - start, timeToFirstResult, tokens, cost: cost ?? 0 },
  })
  await pipeline(source, stream, async (outcomes) => {
    for await (const outcome of outcomes) {
      if (Number.isNaN(timeToFirstResult)) timeToFirstResult = performance.now() - start
      if (outcome.status === 'fulfilled' && outcome.value.label === outcome.record.label) correct += 1
      onOutcome(outcome, measured(stream.stats))
    }
  })
  return measured(stream.stats)
}

/**
 * The rival: plain requests of the SDK with one record in each, without protocol, tags and ids, and
 * the same number of requests at once.
 */
export async function labelOneByOne(
  source: Iterable<Labelled> | AsyncIterable<Labelled>,
  { client, model, labels, instructions, pricing, maxInFlight, signal }: Job,
  onResult: (measured: Measured) => void,
): Promise<Measured> {
  const format = zodResponseFormat(schemaOf(labels), 'result')
  const start = performance.now()
  const tokens = { input: 0, cached: 0, output: 0 }
  let [correct, done, requests, inFlight, timeToFirstResult] = [0, 0, 0, 0, NaN]
  const measured = (): Measured => {
    const dollars = (tokens.input - tokens.cached) * pricing.input + tokens.cached * pricing.cachedInput
    const cost = (dollars + tokens.output * pricing.output) / 1_000_000
    const elapsed = performance.now() - start
    return {
      records: done,
      fulfilled: done,
      correct,
      requests,
      inFlight,
      elapsed,
      timeToFirstResult,
      tokens,
      cost,
    }
  }

  const ask = async ({ text, label }: Labelled) => {
    requests += 1
    inFlight += 1
    const { choices, usage } = await client.chat.completions.parse(
      {
        model,
        temperature: 0,
        response_format: format,
        messages: [
          { role: 'system', content: instructions },
          { role: 'user', content: text },
        ],
      },
      { signal },
    )
    inFlight -= 1
    done += 1
    if (Number.isNaN(timeToFirstResult)) timeToFirstResult = performance.now() - start
    if (choices[0]?.message.parsed?.label === label) correct += 1
    tokens.input += usage?.prompt_tokens ?? 0
    tokens.cached += usage?.prompt_tokens_details?.cached_tokens ?? 0
    tokens.output += usage?.completion_tokens ?? 0
    onResult(measured())
  }

  const running = new Set<Promise<void>>()
  for await (const record of source) {
    if (running.size >= maxInFlight) await Promise.race(running)
    const request: Promise<void> = ask(record).finally(() => running.delete(request))
    // The first failure is thrown below. The failures of the others say nothing more.
    request.catch(() => undefined)
    running.add(request)
  }
  await Promise.all(running)
  return measured()
}
