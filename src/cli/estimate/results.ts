import type { TokenCounter } from '../../index.ts'
import { atEachEnd, mapRange, rangeOf, type Range } from '../measure/range.ts'
import type { PlanOptions } from './options.ts'
import { plainSchema, type JsonSchema } from './plain-request.ts'
import { Sampler, type Assumption } from './sample.ts'

/** Output tokens. */
export interface ResultTokens {
  readonly source: 'stated' | 'measured' | 'estimated'
  /** Assumptions, if the estimate needed facts that the schema does not give. */
  readonly assumed: readonly Assumption[]
  /** Tokens of one element of a packed answer. */
  readonly element: Range
  /** Tokens around the elements. */
  readonly frame: number
  /** Tokens of the whole answer to a plain request. */
  readonly plain: Range
}

/** The output tokens of a result: as stated, as measured, or by the schema. */
export function resultTokens(packed: JsonSchema, options: PlanOptions, count: TokenCounter): ResultTokens {
  const definitions = (packed['$defs'] ?? {}) as Record<string, JsonSchema>
  const sampler = new Sampler(count, definitions)
  // Only a schema that refers to itself in circles has no value.
  const sample = sampler.sample(plainSchema(packed)) ?? { short: {}, long: {}, extra: 0 }
  const elements = (result: unknown, n: number) =>
    count(JSON.stringify({ results: new Array(n).fill({ id: 123, ...(result as object) }) }))
  // A difference, because a tokenizer joins the marks at the ends with their neighbours.
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
