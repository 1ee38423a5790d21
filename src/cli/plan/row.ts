import type { Pricing } from '../../index.ts'
import { requestTime, roundsOf, type Pace, type Work } from './server-model.ts'
import type { Loose } from './forecast.ts'
import { addRanges, atEachEnd, mapRange, mostOf, type Range } from '../measure/range.ts'
import { lastStart, startsWithin, type Toll } from './starts.ts'

export type Bound = 'latency × max-in-flight' | 'requests per minute' | 'tokens per minute'

/** Why all of it cannot be sent so: packs do not fit into the context, or the limit of tokens lets no request through. */
export type Impossible = 'too long' | 'over the limit'

/** What one way of sending the records comes to. */
export interface PlanRow {
  /** Most records in a request. 1: plain requests, without packing. */
  readonly size: number
  readonly isPacked: boolean
  readonly requests: number
  readonly inputTokens: number
  /** Of `inputTokens`: what the provider's cache should have. */
  readonly cachedTokens: number
  readonly outputTokens: Range
  /**
   * US dollars. `low`: short results, and the cache hits in all requests but the first; `expected`: in all but the first
   * `maxInFlight`; `high`: long results, and it never does.
   */
  readonly cost: Range | undefined
  /** Milliseconds, until the last answer has come; where that cannot be, as if it could. */
  readonly time: Range
  /** Milliseconds that it would take with each alone; `undefined`: there is no such limit. */
  readonly bounds: Bounds
  /** What holds it back, or why it cannot be. */
  readonly boundBy: Bound | Impossible
  /** Limits that the stream may keep to in another way than was reckoned, as it learns. None: `requests` is exact. */
  readonly loose: readonly Loose[]
  /** Requests of one record that are charged more than all of `tokensPerMinute`: it never lets them through, but all is reckoned as if it did. */
  readonly overLimit: number
  /**
   * Packs that do not fit into `contextTokens`, with their answers: a run would be refused, and ask again in smaller ones.
   * Of requests of one record all, if none fits; else none, as those that do not are rejected whatever the size.
   */
  readonly overContext: number
}

type Bounds = Readonly<Record<Bound, Range | undefined>>

/** The sums over all requests. */
export interface Totals {
  readonly size: number
  readonly requests: number
  readonly inputTokens: number
  readonly outputTokens: Range
  /** Of the largest one. */
  readonly largestOutput: Range
  /** What a provider's cache can keep of every request, and of those that are full. */
  readonly prefixTokens: number
  readonly fullPrefixTokens: number
  /** Of `requests`: those that hold as many records as they may. */
  readonly full: number
  /** What all are charged to a limit of tokens per minute. */
  readonly charged: Range
  /** The output cap of those that start before an answer has told how long results are; 0: they have none. */
  readonly firstCap: number
  readonly loose: readonly Loose[]
  readonly overLimit: number
  readonly overContext: number
}

/** What is known of the server, and what it allows. */
export interface Terms {
  readonly pace: Pace
  readonly maxInFlight: number
  readonly pricing: Pricing | undefined
  readonly requestsPerMinute: number | undefined
  readonly tokensPerMinute: number | undefined
}

// As OpenAI documents its prompt cache.
export const CACHE_START = 1_024
export const CACHE_STEP = 128

export function rowOf(all: Totals, terms: Terms): PlanRow {
  const { size, charged, firstCap, largestOutput, full, prefixTokens, fullPrefixTokens, ...totals } = all
  const { requests, inputTokens, outputTokens } = totals
  const { pace, maxInFlight, pricing, requestsPerMinute, tokensPerMinute } = terms
  const cached = full * cachedPart(fullPrefixTokens) + (requests - full) * cachedPart(prefixTokens)
  const cachedFrom = (first: number) => Math.round((cached * Math.max(0, requests - first)) / requests)
  const cachedTokens = cachedFrom(maxInFlight)
  const uncachedInput = inputTokens - cachedTokens
  const work = { requests, uncachedInput, output: outputTokens, maxInFlight }
  // Packs whose number is not sure are of uneven sizes, and any may be the last.
  const isUneven = totals.loose.length > 0
  const last = isUneven ? mapRange(largestOutput, (tokens) => tokens * requests) : outputTokens
  const each = mapRange(charged, (tokens) => tokens / requests)
  const unlearned = mapRange(each, (tokens) => Math.max(firstCap, tokens))
  const { time, bounds } = timeOf(work, { ...work, output: last }, pace, {
    requests: tollOf(requestsPerMinute, ONE, ONE),
    tokens: tollOf(tokensPerMinute, each, unlearned),
  })
  const mostCached = cachedFrom(1)
  return {
    ...{ size, isPacked: size > 1, ...totals, cachedTokens },
    cost: pricing && costOf(pricing, inputTokens, { cachedTokens, mostCached }, outputTokens),
    ...{ time, bounds, boundBy: impossible(all) ?? longest(bounds) },
  }
}

interface Tolls {
  readonly requests: Toll | undefined
  readonly tokens: Toll | undefined
}

const ONE: Range = { low: 1, expected: 1, high: 1 }

function tollOf(perMinute: number | undefined, each: Range, unlearned: Range): Toll | undefined {
  return perMinute === undefined ? undefined : { perMinute, each, unlearned }
}

/**
 * How long all requests take: what the last one waits for, and then itself.
 *
 * @param longest All of it, if each request took as long as the last one may.
 */
function timeOf(
  work: Work,
  longest: Work,
  pace: Pace,
  { requests, tokens }: Tolls,
): Pick<PlanRow, 'time' | 'bounds'> {
  const one = requestTime(pace, work)
  const before = roundsOf(work) - 1
  const inLastRound = work.requests - before * work.maxInFlight
  const tolls = [requests, tokens].filter((toll) => toll !== undefined)
  const starts = tolls.map((toll) => startsWithin(toll, one))
  const unlearned = atEachEnd((end) =>
    Math.min(work.requests, work.maxInFlight, ...starts.map((range) => range[end])),
  )
  const last = { ...one, high: requestTime(pace, longest).high }
  // Where a limit holds the others back, it may run alone.
  const alone = { ...last, low: requestTime(pace, { ...work, maxInFlight: 1 }).low }
  const heldBy = (toll: Toll | undefined) =>
    toll && addRanges(lastStart(toll, work.requests, unlearned), alone)
  const latency = addRanges(
    mapRange(one, (time) => time * before),
    last,
  )
  const bounds: Bounds = {
    'latency × max-in-flight': latency,
    'requests per minute': heldBy(requests),
    'tokens per minute': heldBy(tokens),
  }
  // Those of one round start one after the other, as the limits let them, and so do those of the next.
  const none = mapRange(one, () => 0)
  const staggered = tolls.map((toll) => addRanges(latency, lastStart(toll, inLastRound, none)))
  const all = [...Object.values(bounds).filter((bound) => bound !== undefined), ...staggered]
  return { time: mostOf(all), bounds }
}

/** Tokens of a prefix that come from the cache. */
export function cachedPart(prefixTokens: number): number {
  return prefixTokens < CACHE_START ? 0 : Math.floor(prefixTokens / CACHE_STEP) * CACHE_STEP
}

interface Cached {
  readonly cachedTokens: number
  readonly mostCached: number
}

function costOf(pricing: Pricing, input: number, { cachedTokens, mostCached }: Cached, output: Range): Range {
  const { input: price, cachedInput = price } = pricing
  const cost = (fromCache: number, written: number) =>
    ((input - fromCache) * price + fromCache * cachedInput + written * pricing.output) / 1e6
  return {
    low: cost(mostCached, output.low),
    expected: cost(cachedTokens, output.expected),
    high: cost(0, output.high),
  }
}

function impossible({ overContext, overLimit, requests }: Totals): Impossible | undefined {
  if (overContext > 0) return 'too long'
  return overLimit === requests ? 'over the limit' : undefined
}

function longest(bounds: Bounds): Bound {
  const entries = Object.entries(bounds) as [Bound, Range | undefined][]
  return entries.reduce((most, one) => ((one[1]?.expected ?? 0) > (most[1]?.expected ?? 0) ? one : most))[0]
}
