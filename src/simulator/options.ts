import { isCount, isWhole, knownKeys, number, withOption } from './checks.ts'
import type { Faults } from './faults/kinds.ts'
import { type ResolvedFaults, resolveFaults } from './faults/options.ts'
import { defaultLatency, type Latency } from './latency.ts'
import type { Limits } from './limits.ts'
import { type Quality, type ResolvedQuality, resolveQuality } from './quality/options.ts'
import { shown } from './shown.ts'

/** Options of {@link startSimulator}. */
export type SimulatorOptions = {
  /** Port on 127.0.0.1, from 0 to 65535. 0 takes any free port. Default: 0. */
  port?: number | undefined
  /**
   * How long answers take. Default for each part: like a small hosted model, see {@link Latency}.
   */
  latency?: Partial<Record<keyof Latency, number | undefined>> | undefined
  /** Limits of requests and tokens per minute. Default: no limits, and no rate-limit headers. */
  limits?: Limits | undefined
  /** The only key that the simulator accepts. Default: any key, or no key. */
  apiKey?: string | undefined
  /** Largest number of tokens in prompt and answer together. Default: 128,000. */
  contextTokens?: number | undefined
  /**
   * Tokens of reasoning before each answer: `perRequest`, and `perRecord` more for each record.
   * They count as output. Default: none.
   */
  reasoning?: { perRequest?: number | undefined; perRecord?: number | undefined } | undefined
  /** Faults that the simulator makes on purpose. Default: no faults. */
  faults?: Faults | undefined
  /**
   * Which records get the right result, and which get a wrong result. Default: results by common
   * words.
   */
  quality?: Quality | undefined
}

/** Options with all defaults filled in. */
export type ResolvedOptions = {
  port: number
  latency: Latency
  limits: Limits
  apiKey: string | undefined
  contextTokens: number
  reasoning: { perRequest: number; perRecord: number }
  faults: ResolvedFaults | undefined
  quality: ResolvedQuality | undefined
}

/**
 * Checks the options and fills in the defaults. Throws a `TypeError` or `RangeError` that names the
 * option.
 */
export function resolveOptions(options: SimulatorOptions): ResolvedOptions {
  knownKeys('', options, [
    'port',
    'latency',
    'limits',
    'apiKey',
    'contextTokens',
    'reasoning',
    'faults',
    'quality',
  ])
  const { port = 0, latency = {}, limits = {}, apiKey, contextTokens = 128_000 } = options
  const { reasoning = {}, faults, quality } = options
  knownKeys('latency.', latency, Object.keys(defaultLatency))
  knownKeys('reasoning.', reasoning, ['perRequest', 'perRecord'])
  knownKeys('limits.', limits, ['requestsPerMinute', 'tokensPerMinute'])

  number('port', port, 'a port from 0 to 65535', (value) => isWhole(value) && value >= 0 && value <= 65_535)
  number('contextTokens', contextTokens, 'a whole number from 1', isCount)
  const { perRequest = 0, perRecord = 0 } = reasoning
  for (const [name, value] of Object.entries({ perRequest, perRecord })) {
    number(`reasoning.${name}`, value, 'a whole number from 0', (given) => isWhole(given) && given >= 0)
  }
  const { requestsPerMinute, tokensPerMinute } = limits
  for (const [name, value] of Object.entries({ requestsPerMinute, tokensPerMinute })) {
    if (value !== undefined) number(`limits.${name}`, value, 'a whole number from 1', isCount)
  }
  if (apiKey !== undefined && (typeof apiKey !== 'string' || apiKey === '')) {
    throw withOption(
      'apiKey',
      new TypeError(`apiKey: expected a text that is not empty, got ${shown(apiKey)}`),
    )
  }
  return {
    ...{ port, limits, apiKey, contextTokens },
    reasoning: { perRequest, perRecord },
    latency: resolveLatency(latency),
    faults: faults === undefined ? undefined : resolveFaults(faults),
    quality: quality === undefined ? undefined : resolveQuality(quality),
  }
}

function resolveLatency(latency: NonNullable<SimulatorOptions['latency']>): Latency {
  const {
    timeToFirstToken = defaultLatency.timeToFirstToken,
    promptTokensPerSecond = defaultLatency.promptTokensPerSecond,
    outputTokensPerSecond = defaultLatency.outputTokensPerSecond,
    slowdown = defaultLatency.slowdown,
  } = latency
  const isFinite = (value: number) => value >= 0 && value < Infinity
  const rate = 'a number above 0, or Infinity'
  number('latency.timeToFirstToken', timeToFirstToken, 'milliseconds from 0', isFinite)
  number('latency.promptTokensPerSecond', promptTokensPerSecond, rate, (value) => value > 0)
  number('latency.outputTokensPerSecond', outputTokensPerSecond, rate, (value) => value > 0)
  number('latency.slowdown', slowdown, 'a number from 0', isFinite)
  return { timeToFirstToken, promptTokensPerSecond, outputTokensPerSecond, slowdown }
}
