import { costOf } from '../../engine/index.ts'
import type { Pricing } from '../../index.ts'
import { atEachEnd, mapRange, type Range } from '../measure/range.ts'
import type { Loose } from './forecast.ts'
import type { Pace } from './server-model.ts'
import { timeOf, type Bound, type Bounds, type Toll } from './time.ts'

/**
 * Why the records cannot be sent so: packs do not fit into the context, or the limit of tokens lets
 * no request through.
 */
export type Impossible = 'too long' | 'over the limit'

/** The figures for packs of one size. */
export interface PlanRow {
  /** Largest number of records in a request. 1: plain requests, without packing. */
  readonly size: number
  readonly isPacked: boolean
  readonly requests: number
  readonly inputTokens: number
  /** Input tokens that `hoist` saves: with it, a field stands once in a request. */
  readonly savedTokens: number
  /** The part of `inputTokens` that the provider's cache should have. */
  readonly cachedTokens: number
  readonly outputTokens: Range
  /**
   * US dollars. `low`: short results, and the cache hits in all requests except the first.
   * `expected`:
   * in all except the first `maxInFlight`. `high`: long results, and the cache never hits.
   */
  readonly cost: Range | undefined
  /** Milliseconds until the last answer has come; in an impossible row, as if it were possible. */
  readonly time: Range
  readonly bounds: Bounds
  /** The limit that decides the time, or why the row is impossible. */
  readonly boundBy: Bound | Impossible
  /**
   * Limits at which the stream may pack in another way, because it learns. Empty: `requests` is
   * exact.
   */
  readonly loose: readonly Loose[]
  /**
   * Requests of one record that are charged more than all of `tokensPerMinute`. The figures count
   * them as if they were let through.
   */
  readonly overLimit: number
  /**
   * Packs that do not fit into `contextTokens` with their answers: the server would refuse them,
   * and a
   * run would ask again in smaller packs. In the row of plain requests it is all requests or 0: a
   * record that does not fit is rejected at each size.
   */
  readonly overContext: number
}

/** The sums over all requests of one size. */
export interface Totals {
  readonly size: number
  readonly requests: number
  readonly inputTokens: number
  readonly savedTokens: number
  readonly outputTokens: Range
  /** Output tokens of the largest request. */
  readonly largestOutput: Range
  /** Tokens that a provider's cache can keep of every request, and of a full request. */
  readonly prefixTokens: number
  readonly fullPrefixTokens: number
  /** Requests with the largest possible number of records. */
  readonly full: number
  /** The charge of all requests against a limit of tokens per minute. */
  readonly charged: Range
  /** The output cap of requests that start before the first answer. 0: they have no cap. */
  readonly firstCap: number
  readonly loose: readonly Loose[]
  readonly overLimit: number
  readonly overContext: number
}

/** The speed of the server, its prices, and its limits. */
export interface Terms {
  readonly pace: Pace
  readonly maxInFlight: number
  readonly pricing: Pricing | undefined
  readonly requestsPerMinute: number | undefined
  readonly tokensPerMinute: number | undefined
}

// OpenAI's documentation of its prompt cache.
export const CACHE_START_TOKENS = 1_024
export const CACHE_STEP_TOKENS = 128

const ONE = atEachEnd(() => 1)

export function rowOf(all: Totals, terms: Terms): PlanRow {
  const { size, charged, firstCap, largestOutput, full, prefixTokens, fullPrefixTokens, ...totals } = all
  const { requests, inputTokens, outputTokens } = totals
  const { pace, maxInFlight, pricing, requestsPerMinute, tokensPerMinute } = terms
  const cached = full * cachedPart(fullPrefixTokens) + (requests - full) * cachedPart(prefixTokens)
  const cachedFrom = (first: number) => Math.round((cached * Math.max(0, requests - first)) / requests)
  const cachedTokens = cachedFrom(maxInFlight)
  const work = { requests, uncachedInput: inputTokens - cachedTokens, output: outputTokens, maxInFlight }
  // If their number is not sure, packs have different sizes, and any pack may be the last.
  const isUneven = totals.loose.length > 0
  const output = isUneven ? mapRange(largestOutput, (tokens) => tokens * requests) : outputTokens
  const each = mapRange(charged, (tokens) => tokens / requests)
  const unlearned = mapRange(each, (tokens) => Math.max(firstCap, tokens))
  const { time, bounds } = timeOf(work, { ...work, output }, pace, {
    requests: tollOf(requestsPerMinute, ONE, ONE),
    tokens: tollOf(tokensPerMinute, each, unlearned),
  })
  const fromCache: Range = { low: cachedFrom(1), expected: cachedTokens, high: 0 }
  const cost = (prices: Pricing) =>
    atEachEnd((end) =>
      costOf(prices, { input: inputTokens, cached: fromCache[end], output: outputTokens[end] }),
    )
  return {
    ...{ size, isPacked: size > 1, ...totals, cachedTokens, cost: pricing && cost(pricing) },
    ...{ time, bounds, boundBy: impossible(all) ?? longest(bounds) },
  }
}

function tollOf(perMinute: number | undefined, each: Range, unlearned: Range): Toll | undefined {
  return perMinute === undefined ? undefined : { perMinute, each, unlearned }
}

/** Tokens of a prefix that come from the cache. */
export function cachedPart(prefixTokens: number): number {
  return prefixTokens < CACHE_START_TOKENS
    ? 0
    : Math.floor(prefixTokens / CACHE_STEP_TOKENS) * CACHE_STEP_TOKENS
}

function impossible({ overContext, overLimit, requests }: Totals): Impossible | undefined {
  if (overContext > 0) return 'too long'
  return overLimit === requests ? 'over the limit' : undefined
}

function longest(bounds: Bounds): Bound {
  const entries = Object.entries(bounds) as [Bound, Range | undefined][]
  return entries.reduce((most, one) => ((one[1]?.expected ?? 0) > (most[1]?.expected ?? 0) ? one : most))[0]
}
