import type { Quantiles } from '../measure/meter.ts'
import type { PlanOptions } from './options.ts'
import { checkNumber, rangeOf, type Range } from '../measure/range.ts'

/** The simulator's defaults, which are about what a small hosted model does. */
const ASSUMED = {
  timeToFirstToken: 300,
  outputTokensPerSecond: 80,
  promptTokensPerSecond: 10_000,
  slowdown: 0.01,
}

export type Source = 'stated' | 'measured' | 'assumed'

/** How fast the server answers, and how that is known. */
export interface Pace {
  readonly timeToFirstToken: Range & { readonly source: Source }
  readonly outputTokensPerSecond: Range & { readonly source: Source }
  /** `undefined`: the time to the first token is all. */
  readonly promptTokensPerSecond: number | undefined
  readonly slowdown: number
}

export function paceOf({ latency = {}, measured }: PlanOptions): Pace {
  const pick = (name: 'timeToFirstToken' | 'outputTokensPerSecond', least?: number) => {
    const stated = latency[name]
    if (stated !== undefined)
      return { ...rangeOf(`latency.${name}`, stated, least), source: 'stated' as const }
    if (measured) return { ...betweenTenths(measured[name]), source: 'measured' as const }
    return { ...rangeOf(name, ASSUMED[name]), source: 'assumed' as const }
  }
  const timeToFirstToken = pick('timeToFirstToken', 0)
  const outputTokensPerSecond = pick('outputTokensPerSecond')
  const { promptTokensPerSecond, slowdown } = latency
  if (promptTokensPerSecond !== undefined) checkNumber('latency.promptTokensPerSecond', promptTokensPerSecond)
  if (slowdown !== undefined) checkNumber('latency.slowdown', slowdown, 0)
  return {
    ...{ timeToFirstToken, outputTokensPerSecond },
    // What is measured or stated holds under the load it was seen under, with the prompts of then.
    promptTokensPerSecond:
      promptTokensPerSecond ??
      (timeToFirstToken.source === 'assumed' ? ASSUMED.promptTokensPerSecond : undefined),
    slowdown: slowdown ?? (outputTokensPerSecond.source === 'assumed' ? ASSUMED.slowdown : 0),
  }
}

function betweenTenths({ p10, p50, p90 }: Quantiles): Range {
  return { low: p10, expected: p50, high: p90 }
}

/** All of one way's requests. */
export interface Work {
  readonly requests: number
  readonly uncachedInput: number
  readonly output: Range
  readonly maxInFlight: number
}

/** How often as many requests as may be are in flight: nobody shares a request's answer. */
export function roundsOf({ requests, maxInFlight }: Work): number {
  return Math.ceil(requests / maxInFlight)
}

/** Milliseconds that one of the requests takes, with as many others beside it as may be. */
export function requestTime(pace: Pace, { requests, uncachedInput, output, maxInFlight }: Work): Range {
  const atOnce = Math.min(maxInFlight, requests)
  const slowdown = 1 + pace.slowdown * (atOnce - 1)
  const reading = uncachedInput / requests / (pace.promptTokensPerSecond ?? Infinity)
  const time = (firstToken: number, tokens: number, perSecond: number) =>
    firstToken + 1000 * (reading + ((tokens / requests) * slowdown) / perSecond)
  const { timeToFirstToken: first, outputTokensPerSecond: rate } = pace
  return {
    low: time(first.low, output.low, rate.high),
    expected: time(first.expected, output.expected, rate.expected),
    high: time(first.high, output.high, rate.low),
  }
}
