import type { $ZodType } from 'zod/v4/core'
import type { ApiName, Encoding, Example, Pricing, RequestFields, ResponsesFields } from '../../index.ts'
import type { Measured } from '../measure/meter.ts'
import type { Stated } from '../measure/range.ts'

/** How fast the server answers. What is left out comes from `measured`, or else is assumed. */
export interface Latency {
  /** Milliseconds from a request to its first token. */
  readonly timeToFirstToken?: Stated
  /** Tokens that one request writes per second after that. */
  readonly outputTokensPerSecond?: Stated
  /**
   * Tokens of prompt read per second, cached ones excepted, on top of `timeToFirstToken`. Default: it takes no time, unless
   * that is assumed as well.
   */
  readonly promptTokensPerSecond?: number
  /** With `n` requests in flight each writes at its rate / (1 + slowdown × (n − 1)). Default: 0, unless that rate is assumed. */
  readonly slowdown?: number
}

/** The options of the stream that the plan is for, with their defaults; and what is known of the server. */
export interface PlanOptions {
  readonly api?: ApiName
  readonly model: string
  readonly instructions: string
  readonly schema: $ZodType
  readonly examples?: readonly Example<string>[]
  readonly request?: RequestFields | ResponsesFields
  readonly maxPackTokens?: number
  /** The largest size that may be chosen, up to 100, which is the default. */
  readonly maxPackRecords?: number
  readonly maxOutputTokens?: number
  readonly maxInFlight?: number
  /** What the stream counts tokens by. Default: it estimates them, and only the plan counts, by `o200k_base`. */
  readonly encoding?: Encoding
  readonly pricing?: Pricing
  readonly requestsPerMinute?: number
  readonly tokensPerMinute?: number
  /** Whether results are kept, so that each text is asked only once; in each partition. Default: no. */
  readonly keepsResults?: boolean
  /** Tokens that the model reads and writes at most. Default: not checked. */
  readonly contextTokens?: number
  readonly latency?: Latency
  /** What an earlier run measured. */
  readonly measured?: Measured
  /** Tokens of one record's result as JSON, by itself. Default: as measured, or else estimated from the schema. */
  readonly outputTokens?: Stated
}
