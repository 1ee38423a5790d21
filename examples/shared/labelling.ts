import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type OpenAI from 'openai'
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
  readonly pricing: Pricing
  readonly maxPackRecords: number
  readonly maxInFlight: number
  readonly signal: AbortSignal
}

export type LabelOutcome<R> = Outcome<R, { label: string; confidence: number }>

/** What a job took and gave. Times are milliseconds. */
export interface Measured {
  readonly stats: Stats
  readonly elapsed: number
  readonly timeToFirstResult: number
  readonly correct: number
}

/** Labels everything that the source gives, and measures it. */
export async function label<R extends Labelled>(
  source: Readable | Iterable<R> | AsyncIterable<R>,
  job: Job,
  onOutcome?: (outcome: LabelOutcome<R>, stats: Stats) => void,
): Promise<Measured> {
  const { labels, ...options } = job
  const stream = new PackStream({
    ...options,
    schema: z.object({ label: z.enum(labels), confidence: z.number() }),
    serialize: (record: R) => record.text,
    request: { temperature: 0 },
  })
  const start = performance.now()
  let timeToFirstResult = NaN
  let correct = 0
  await pipeline(source, stream, async (outcomes) => {
    for await (const outcome of outcomes) {
      if (Number.isNaN(timeToFirstResult)) timeToFirstResult = performance.now() - start
      if (outcome.status === 'fulfilled' && outcome.value.label === outcome.record.label) correct += 1
      onOutcome?.(outcome, stream.stats)
    }
  })
  return { stats: stream.stats, elapsed: performance.now() - start, timeToFirstResult, correct }
}
