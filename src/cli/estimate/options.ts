import type { ShownExample, UserSchema } from '../../engine/index.ts'
import type { Encoding } from '../../exact-tokens.ts'
import type { ApiName, AuditOptions, Example, Pricing, RequestFields, ResponsesFields } from '../../index.ts'
import type { Measured } from '../measure/meter.ts'
import type { Stated } from '../measure/range.ts'
import type { Lane } from '../../prices/index.ts'
import type { Price } from '../task/price.ts'

/** The speed of the server. A figure that is left out comes from `measured`, or else is assumed. */
export interface Latency {
  /** Milliseconds from a request to its first token. */
  readonly timeToFirstToken?: Stated
  /** Tokens that one request writes per second after that. */
  readonly outputTokensPerSecond?: Stated
  /**
   * Tokens of prompt that the server reads per second, without the cached tokens, on top of
   * `timeToFirstToken`. Default: reading takes no time, unless `timeToFirstToken` is assumed as
   * well.
   */
  readonly promptTokensPerSecond?: number
  /**
   * With `n` requests in flight, each writes at its rate / (1 + slowdown × (n − 1)). Default: 0,
   * unless the rate is assumed.
   */
  readonly slowdown?: number
}

/** An example as a text, with the fields that it shares with others. */
export type PlanExample = Example<string> & Pick<ShownExample, 'shared'>

/**
 * The options of the planned stream, with the same defaults, and the known facts about the server.
 */
export interface PlanOptions {
  readonly api?: ApiName
  readonly model: string
  readonly instructions: string
  readonly schema: UserSchema
  readonly examples?: readonly PlanExample[]
  /** The fields that stand once in a request. Default: none. */
  readonly hoist?: readonly string[]
  readonly request?: RequestFields | ResponsesFields
  readonly maxPackTokens?: number
  /** The largest size that the plan may choose, at most 100. Default: 100. */
  readonly maxPackRecords?: number
  readonly maxOutputTokens?: number
  readonly maxInFlight?: number
  /** Number of records whose order is drawn before they are packed. Default: none. */
  readonly mix?: number
  /**
   * The vocabulary that counts tokens in the stream. Default: the stream estimates them, and only
   * the plan counts.
   */
  readonly encoding?: Encoding
  readonly pricing?: Pricing
  /** Where `pricing` comes from, or why there is none. Default: it was stated. */
  readonly price?: Price
  /** Slower and cheaper lanes of the model at its server. Default: none. */
  readonly lanes?: readonly Lane[]
  /** The most ballots of a record. Default: each record is asked once. */
  readonly votes?: number
  /** The share of records that are asked alone too. Default: none. */
  readonly audit?: AuditOptions
  readonly requestsPerMinute?: number
  readonly tokensPerMinute?: number
  /**
   * Whether results are kept, so that each text is asked only once in its partition. Default: no.
   */
  readonly keepsResults?: boolean
  /** Tokens of the longest prompt and answer together. Default: not checked. */
  readonly contextTokens?: number
  readonly latency?: Latency
  /** Measurements of an earlier run. */
  readonly measured?: Measured
  /**
   * Tokens of one record's result as JSON. Default: as measured, or else estimated from the schema.
   */
  readonly outputTokens?: Stated
}
