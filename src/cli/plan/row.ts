import type { Pricing } from '../../index.ts'
import { latencyOf, type Pace } from './pace.ts'
import type { Loose } from './packs.ts'
import type { Range } from './range.ts'

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
  /**
   * US dollars. `low`: short results, and the cache hits in all requests but the first; `expected`: in all but the first
   * `maxInFlight`; `high`: long results, and it never does.
   */
  readonly cost: Range | undefined
  /** Milliseconds, of the longest of the bounds. */
  readonly time: Range
  /** Milliseconds that each would take by itself; `undefined`: there is no such limit. */
  readonly bounds: Bounds
  readonly boundBy: Bound
  /** Limits that the stream may keep to in another way than was reckoned, as it learns. None: `requests` is exact. */
  readonly loose: readonly Loose[]
}

type Bounds = Readonly<Record<Bound, Range | undefined>>

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
  readonly loose: readonly Loose[]
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
/** How often in a minute a limiter lets go what it lets go at once. */
const BURSTS = 6

export function rowOf({ size, charged, prefixTokens, ...totals }: Totals, terms: Terms): PlanRow {
  const { requests, inputTokens, outputTokens } = totals
  const { pace, maxInFlight, pricing, requestsPerMinute, tokensPerMinute } = terms
  const prefix = cachedPart(prefixTokens)
  const cachedTokens = prefix * Math.max(0, requests - maxInFlight)
  const uncachedInput = inputTokens - cachedTokens
  const latency = latencyOf(pace, { requests, uncachedInput, output: outputTokens, maxInFlight })
  const bounds: Bounds = {
    'latency × max-in-flight': latency,
    'requests per minute': perMinute(requests, requests, requestsPerMinute),
    'tokens per minute': perMinute(charged, requests, tokensPerMinute),
  }
  const mostCached = prefix * (requests - 1)
  return {
    ...{ size, isPacked: size > 1, ...totals, cachedTokens },
    cost: pricing && costOf(pricing, inputTokens, { cachedTokens, mostCached }, outputTokens),
    time: most(bounds),
    ...{ bounds, boundBy: longest(bounds) },
  }
}

/**
 * Milliseconds until the last request may start. A stream's limiter lets 10 s worth of a limit go at once, and at least
 * one request; `high` is for a provider that does not.
 */
function perMinute(amount: number, requests: number, limit: number | undefined): Range | undefined {
  if (limit === undefined) return undefined
  const atOnce = Math.max(limit / BURSTS, amount / requests)
  const time = (Math.max(0, amount - atOnce) / limit) * MINUTE
  return { low: time, expected: time, high: (amount / limit) * MINUTE }
}

/** The longest of all, at each end. */
function most(bounds: Bounds): Range {
  const all = Object.values(bounds).filter((bound) => bound !== undefined)
  const end = (of: (range: Range) => number) => Math.max(...all.map(of))
  return {
    low: end(({ low }) => low),
    expected: end(({ expected }) => expected),
    high: end(({ high }) => high),
  }
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

function longest(bounds: Bounds): Bound {
  const entries = Object.entries(bounds) as [Bound, Range | undefined][]
  return entries.reduce((most, one) => ((one[1]?.expected ?? 0) > (most[1]?.expected ?? 0) ? one : most))[0]
}
