import { decodeSpeed, defaultLatency, firstTokenDelay, workUntil } from '../../simulator/index.ts'
import type { Quantiles } from '../measure/meter.ts'
import { finite } from '../../options/index.ts'
import { atEachEnd, rangeOf, type Range } from '../measure/range.ts'
import type { PlanOptions } from './options.ts'

export type Source = 'stated' | 'measured' | 'assumed'

/** The speed of the server, and where each figure comes from. */
export interface Pace {
  readonly timeToFirstToken: Range & { readonly source: Source }
  readonly outputTokensPerSecond: Range & { readonly source: Source }
  /** `undefined`: the prompt takes no time beyond the time to the first token. */
  readonly promptTokensPerSecond: number | undefined
  readonly slowdown: number
}

export function paceOf({ latency = {}, measured }: PlanOptions): Pace {
  const pick = (name: 'timeToFirstToken' | 'outputTokensPerSecond', least?: number) => {
    const stated = latency[name]
    if (stated !== undefined) {
      return { ...rangeOf(`latency.${name}`, stated, least), source: 'stated' as const }
    }
    if (measured) return { ...betweenTenths(measured[name]), source: 'measured' as const }
    return { ...rangeOf(name, defaultLatency[name]), source: 'assumed' as const }
  }
  const timeToFirstToken = pick('timeToFirstToken', 0)
  const outputTokensPerSecond = pick('outputTokensPerSecond')
  const { promptTokensPerSecond, slowdown } = latency
  finite('latency.promptTokensPerSecond', promptTokensPerSecond)
  finite('latency.slowdown', slowdown, 0)
  // A stated or measured figure includes the prompts and the load of its time.
  const isAssumed = (figure: { source: Source }) => figure.source === 'assumed'
  return {
    ...{ timeToFirstToken, outputTokensPerSecond },
    promptTokensPerSecond:
      promptTokensPerSecond ??
      (isAssumed(timeToFirstToken) ? defaultLatency.promptTokensPerSecond : undefined),
    slowdown: slowdown ?? (isAssumed(outputTokensPerSecond) ? defaultLatency.slowdown : 0),
  }
}

function betweenTenths({ p10, p50, p90 }: Quantiles): Range {
  return { low: p10, expected: p50, high: p90 }
}

/** All requests of one pack size. */
export interface Work {
  readonly requests: number
  readonly uncachedInput: number
  readonly output: Range
  readonly maxInFlight: number
}

/**
 * Milliseconds that an average request takes while the largest possible number of requests is in
 * flight.
 */
export function requestTime(pace: Pace, { requests, uncachedInput, output, maxInFlight }: Work): Range {
  const { promptTokensPerSecond = Infinity, slowdown } = pace
  return atEachEnd((end) => {
    // The longest time comes from the lowest rate.
    const rateEnd = ({ low: 'high', expected: 'expected', high: 'low' } as const)[end]
    const latency = {
      ...{ promptTokensPerSecond, slowdown, timeToFirstToken: pace.timeToFirstToken[end] },
      outputTokensPerSecond: pace.outputTokensPerSecond[rateEnd],
    }
    const writing = workUntil(latency, output[end] / requests)
    const speed = decodeSpeed(latency, Math.min(maxInFlight, requests))
    return firstTokenDelay(latency, uncachedInput / requests) + writing / speed
  })
}
