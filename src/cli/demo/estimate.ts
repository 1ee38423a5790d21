import type { Pricing } from '../../index.ts'
import { costOf, resultFormat, systemMessage, userMessage } from '../../engine/index.ts'
import { MAX_PACK_RECORDS, schemaOf, tokensIn, type Sample } from './labelled.ts'
import { bodyOf } from './one-by-one.ts'

/** What the demo would send. */
export interface Estimate {
  readonly requests: number
  readonly input: number
  readonly output: number
  /** US dollars. `undefined` without prices. */
  readonly cost: number | undefined
}

/** Estimates both jobs of the demo. */
export function estimateOf(sample: Sample, model: string, pricing: Pricing | undefined): Estimate {
  const { records, labels, instructions } = sample
  const packs = Array.from({ length: Math.ceil(records.length / MAX_PACK_RECORDS) }, (_, i) =>
    records.slice(i * MAX_PACK_RECORDS, (i + 1) * MAX_PACK_RECORDS).map(({ text }) => text),
  )
  const format = resultFormat(schemaOf(labels))
  const fixed = systemMessage(instructions, format, []) + JSON.stringify(format.jsonSchema)
  const plain = bodyOf({ ...sample, model })
  const results = records.map(({ label }) => ({ label, confidence: 0.95 }))
  const [input, output] = [
    tokensIn(packs.map((texts) => fixed + userMessage(texts, 0))) +
      tokensIn(records.map(({ text }) => JSON.stringify(plain(text)))),
    tokensIn(results.flatMap((one) => [JSON.stringify(one), JSON.stringify({ id: 100, ...one })])),
  ]
  const cost = pricing && costOf(pricing, { input, cached: 0, output })
  return { requests: packs.length + records.length, input, output, cost }
}
