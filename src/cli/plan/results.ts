import type { TokenCounter } from '../../index.ts'
import { atEachEnd, mapRange, rangeOf, type Range } from '../measure/range.ts'
import type { PlanOptions } from './options.ts'
import { plainSchema, type JsonSchema } from './plain-request.ts'
import { Sampler, type Assumption } from './sample.ts'

/** Output tokens. */
export interface ResultTokens {
  readonly source: 'stated' | 'measured' | 'estimated'
  /** What the schema did not tell, where it was asked. */
  readonly assumed: readonly Assumption[]
  /** Of one element of a packed answer. */
  readonly element: Range
  /** Of what is around the elements. */
  readonly frame: number
  /** Of the whole answer to a plain request. */
  readonly plain: Range
}

/** How many output tokens a result takes: as stated, as measured, or what the schema tells. */
export function resultTokens(packed: JsonSchema, options: PlanOptions, count: TokenCounter): ResultTokens {
  const definitions = (packed['$defs'] ?? {}) as Record<string, JsonSchema>
  const sampler = new Sampler(count, definitions)
  // Nothing but a schema that refers to itself in circles has no value.
  const sample = sampler.sample(plainSchema(packed)) ?? { short: {}, long: {}, extra: 0 }
  const elements = (result: unknown, n: number) =>
    count(JSON.stringify({ results: new Array(n).fill({ id: 12, ...(result as object) }) }))
  // Without what is at the ends: marks join with their neighbours.
  const element = (result: unknown) => elements(result, 3) - elements(result, 2)
  const plain = (result: unknown) => count(JSON.stringify(result))

  const frame = elements(sample.short, 2) - 2 * element(sample.short)
  const envelope = element(sample.short) - plain(sample.short)

  const { outputTokens, measured } = options
  if (outputTokens !== undefined) {
    const stated = rangeOf('outputTokens', outputTokens)
    return {
      ...{ source: 'stated', assumed: [], frame },
      ...{ element: mapRange(stated, (tokens) => tokens + envelope), plain: stated },
    }
  }
  if (measured) {
    const { outputTokensPerRecord, requests, records } = measured
    const perElement = Math.max(1, outputTokensPerRecord - (frame * requests) / records)
    const same = (tokens: number) => atEachEnd(() => tokens)
    return {
      ...{ source: 'measured', assumed: [], frame },
      ...{ element: same(perElement), plain: same(Math.max(1, perElement - envelope)) },
    }
  }
  const estimated = (tokens: (result: unknown) => number): Range => ({
    ...{ low: tokens(sample.short), high: tokens(sample.long) },
    expected: tokens(sample.short) + sample.extra,
  })
  return {
    ...{ source: 'estimated', assumed: [...sampler.assumed], frame },
    ...{ element: estimated(element), plain: estimated(plain) },
  }
}
