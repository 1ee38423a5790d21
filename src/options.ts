import type { $ZodType } from 'zod/v4/core'
import type { ChatClient, RequestFields } from './chat.ts'
import type { Example } from './prompt.ts'
import type { ResultFormat } from './schema.ts'
import type { Pricing } from './stats.ts'
import type { TokenCounter, TokenEstimator } from './tokens.ts'

/** Durations are milliseconds. */
export interface PackStreamOptions<R, T> {
  /** An `OpenAI` or `AzureOpenAI` instance, of openai 6 or 7, or anything with its `chat.completions.create`. */
  readonly client: ChatClient
  /** Name of the model, as in the API. */
  readonly model: string
  /** What to do with each record. Goes first in the system message. */
  readonly instructions: string
  /** Zod 4 schema of ONE record's result. Types `outcome.value`, shapes the request, checks every element. */
  readonly schema: $ZodType<T>
  /** Few-shot pairs, put once per request before the records. Default: none. */
  readonly examples?: readonly Example<R>[]
  /** The text of a record. Default: strings as they are, all else by `JSON.stringify`. */
  readonly serialize?: (record: R) => string
  /** More fields of the API's request, such as `temperature`, `seed` or `service_tier`. Default: none. */
  readonly request?: RequestFields

  /** Tokens of the records in one pack, their tags included, the fixed prompt not. A larger record travels alone. Default: 4,000. */
  readonly maxPackTokens?: number
  /** Records in one pack. Default: 25: most of the gain is there at 10 to 25, and models keep their accuracy. */
  readonly maxPackRecords?: number
  /**
   * Cap on the tokens of one answer, sent as `max_completion_tokens`. Also limits the records in a pack to as many as
   * are expected to fill 70% of it, from the size of the answers so far. Default: the model's own.
   */
  readonly maxOutputTokens?: number
  /** Tokens of a text. Default: an estimate from its bytes that corrects itself by the `usage` that the API reports. */
  readonly countTokens?: TokenCounter
  /** How long a pack that is not full waits for company, from its first record. 0: sent at once. Default: 100. */
  readonly linger?: number
  /** Requests running at once. Default: 4. */
  readonly maxInFlight?: number
  /** How often one record may be sent. Default: 4. */
  readonly maxAttempts?: number
  /** Emit outcomes in input order, through a window of `2 * (maxInFlight + 2) * maxPackRecords` records. Default: false. */
  readonly preserveOrder?: boolean
  /** Prices, for `stats.cost`. Default: none. */
  readonly pricing?: Pricing

  /** Destroys the stream with an `AbortError`, and aborts its requests. */
  readonly signal?: AbortSignal
  /** Records and outcomes that Node buffers, each. Default: Node's, 16. */
  readonly highWaterMark?: number
  /** Records that Node buffers. Default: Node's, 16. */
  readonly writableHighWaterMark?: number
  /** Outcomes that Node buffers. Default: Node's, 16. */
  readonly readableHighWaterMark?: number
}

/** Options with every default in place and everything derived from them that does not change. */
export interface Resolved<R, T> {
  readonly client: ChatClient
  readonly model: string
  readonly serialize: (record: R) => string
  readonly request: RequestFields
  readonly format: ResultFormat<T>
  /** The system message. */
  readonly system: string
  readonly maxPackTokens: number
  readonly maxPackRecords: number
  readonly maxOutputTokens: number | undefined
  /** Tokens of a record's text and the tags around it. */
  readonly weigh: (text: string) => number
  readonly estimator: TokenEstimator
  readonly linger: number
  readonly maxInFlight: number
  readonly maxAttempts: number
  readonly preserveOrder: boolean
  readonly pricing: Pricing | undefined
}
