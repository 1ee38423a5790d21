import type { Pricing } from '../../index.ts'
import { latencyOf, type Pace } from './pace.ts'
import { mapRange, type Range } from './range.ts'

export type Bound = 'latency × max-in-flight' | 'requests per minute' | 'tokens per minute'

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
  /** US dollars. `low`: short results, and the cache hits; `expected`: it hits; `high`: long ones, and it never does. */
  readonly cost: Range | undefined
  /** Milliseconds, of the longest of the bounds. */
  readonly time: Range
  /** Milliseconds that each would take by itself, as expected; `undefined`: there is no such limit. */
  readonly bounds: Readonly<Record<Bound, number | undefined>>
  readonly boundBy: Bound
}

/** The sums over all requests. */
export interface Totals {
  readonly size: number
  readonly requests: number
  readonly inputTokens: number
  readonly outputTokens: Range
  /** Of every request: what a provider's cache can keep of it. */
  readonly prefixTokens: number
  /** What all are charged to a limit of tokens per minute. */
  readonly charged: number
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
const MINUTE = 60_000

export function rowOf({ size, charged, prefixTokens, ...totals }: Totals, terms: Terms): PlanRow {
  const { requests, inputTokens, outputTokens } = totals
  const { pace, maxInFlight, pricing, requestsPerMinute, tokensPerMinute } = terms
  const cachedTokens = cachedPart(prefixTokens) * Math.max(0, requests - maxInFlight)
  const uncachedInput = inputTokens - cachedTokens
  const latency = latencyOf(pace, { requests, uncachedInput, output: outputTokens, maxInFlight })
  const perMinute = (amount: number, limit: number | undefined) =>
    limit === undefined ? undefined : (amount / limit) * MINUTE
  const bounds: Record<Bound, number | undefined> = {
    'latency × max-in-flight': latency.expected,
    'requests per minute': perMinute(requests, requestsPerMinute),
    'tokens per minute': perMinute(charged, tokensPerMinute),
  }
  const { 'requests per minute': byRequests = 0, 'tokens per minute': byTokens = 0 } = bounds
  return {
    ...{ size, isPacked: size > 1, ...totals, cachedTokens },
    cost: pricing && costOf(pricing, inputTokens, cachedTokens, outputTokens),
    time: mapRange(latency, (time) => Math.max(time, byRequests, byTokens)),
    ...{ bounds, boundBy: longest(bounds) },
  }
}

/** Tokens of a prefix that come from the cache. */
export function cachedPart(prefixTokens: number): number {
  return prefixTokens < CACHE_START ? 0 : Math.floor(prefixTokens / CACHE_STEP) * CACHE_STEP
}

function costOf(pricing: Pricing, input: number, cached: number, output: Range): Range {
  const { input: price, cachedInput = price } = pricing
  const cost = (fromCache: number, written: number) =>
    ((input - fromCache) * price + fromCache * cachedInput + written * pricing.output) / 1e6
  return {
    low: cost(cached, output.low),
    expected: cost(cached, output.expected),
    high: cost(0, output.high),
  }
}

function longest(bounds: Readonly<Record<Bound, number | undefined>>): Bound {
  const entries = Object.entries(bounds) as [Bound, number | undefined][]
  return entries.reduce((most, one) => ((one[1] ?? 0) > (most[1] ?? 0) ? one : most))[0]
}
