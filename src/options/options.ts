import type { $ZodType } from 'zod/v4/core'
import type { Api, ApiName } from '../api/api.ts'
import type { ChatClient, RequestFields } from '../api/chat.ts'
import type { Example } from '../request/prompt.ts'
import type { RateLimiter } from '../limits/rate-limiter.ts'
import type { ResponsesClient, ResponsesFields } from '../api/responses.ts'
import type { CacheStore } from '../cache/result-cache.ts'
import type { ResultFormat } from '../request/result-format.ts'
import type { Pricing } from '../accounts/stats.ts'
import type { TokenCounter } from '../learning/token-estimator.ts'

/** Durations are milliseconds. */
export interface PackStreamOptions<R, T> {
  /** An `OpenAI` or `AzureOpenAI` instance, of openai 6 or 7, or anything with its `chat.completions.create` (`responses.create`). */
  readonly client: ChatClient | ResponsesClient
  /** Which API is spoken: Chat Completions, or Responses with `store: false`. Default: `'chat'`. */
  readonly api?: ApiName
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
  /** Records share a pack only with records of the same key, such as a tenant's. Default: any with any. */
  readonly partition?: (record: R) => string
  /** More fields of the API's request, such as `temperature`, `seed` or `service_tier`. Default: none. */
  readonly request?: RequestFields | ResponsesFields

  /** Tokens of the records in one pack, their tags included, the fixed prompt not. A larger record travels alone. Default: 4,000. */
  readonly maxPackTokens?: number
  /** Records in one pack. Default: 25: most of the gain is there at 10 to 25, and models keep their accuracy. */
  readonly maxPackRecords?: number
  /**
   * The largest cap on the tokens of one answer, thinking included, and so a limit on the records in a pack: to as many as
   * are expected to fill 70% of it. What is sent for a pack (`max_completion_tokens`, `max_output_tokens`) is at most this,
   * and, once results have come, about twice what they let expect, since providers charge rate limits for it.
   * Default: the model's own.
   */
  readonly maxOutputTokens?: number
  /** Tokens of a text. Default: an estimate from its bytes that corrects itself by the `usage` that the API reports. */
  readonly countTokens?: TokenCounter
  /** How long a pack that is not full waits for company, from its first record. 0: sent at once. Default: 100. */
  readonly linger?: number
  /** Requests running at once. Default: 4. */
  readonly maxInFlight?: number
  /**
   * Requests and tokens per minute. Give the same one to all streams that share a quota. Without one the stream has its
   * own, without limits: it still keeps to what the server's headers say and waits after a 429.
   */
  readonly limiter?: RateLimiter
  /** How often one record may be tried. Looking for a guilty record among others, and waiting for a rate limit, is no try. Default: 4. */
  readonly maxAttempts?: number
  /** How long the first token of an answer may take, from the sending of its request. `Infinity`: for ever. Default: 120,000. */
  readonly firstTokenTimeout?: number
  /** How long an answer may be silent between two tokens. Default: 60,000. */
  readonly idleTimeout?: number
  /** How long a request may take in all. Default: 600,000. */
  readonly requestTimeout?: number
  /** Emit outcomes in input order, through a window of `2 * (maxInFlight + 2) * maxPackRecords` records. Default: false. */
  readonly preserveOrder?: boolean
  /**
   * Keeps fulfilled values, by everything that decides them: a `Map`, a `Keyv`, or any store with `get` and `set`. Records
   * of the same text are then asked once, also while in flight. Values must come back as the strings they were set as.
   * Default: none.
   */
  readonly cache?: CacheStore
  /** Prices, for `stats.cost` and `maxCost`. Default: none. */
  readonly pricing?: Pricing
  /**
   * US dollars that the stream may spend, by `pricing`. No request is sent that might pass it, counting what is in flight;
   * then the stream is destroyed with `max_cost_reached`, after all outcomes that were paid for have left. Default: none.
   */
  readonly maxCost?: number

  /** Destroys the stream with an `AbortError`, and aborts its requests. */
  readonly signal?: AbortSignal
  /** Records and outcomes that Node buffers, each. Default: Node's, 16. */
  readonly highWaterMark?: number
  /** Records that Node buffers. Default: Node's, 16. */
  readonly writableHighWaterMark?: number
  /** Outcomes that Node buffers. Default: Node's, 16. */
  readonly readableHighWaterMark?: number
}

/** Milliseconds; `Infinity`: no limit. */
export interface Timeouts {
  readonly firstTokenTimeout: number
  readonly idleTimeout: number
  readonly requestTimeout: number
}

/** The options with every default in place, and what follows from them. Nothing in it changes. */
export interface Resolved<R, T> {
  readonly client: unknown
  readonly apiName: ApiName
  readonly api: Api
  readonly model: string
  readonly serialize: (record: R) => string
  readonly partition: ((record: R) => string) | undefined
  readonly request: object
  readonly format: ResultFormat<T>
  /** The system message. */
  readonly system: string
  readonly maxPackTokens: number
  readonly maxPackRecords: number
  readonly maxOutputTokens: number | undefined
  readonly countTokens: TokenCounter | undefined
  readonly linger: number
  readonly maxInFlight: number
  /** How many records may be read and wait: for older records, for one of the same text, or for company of their key. */
  readonly window: number
  readonly limiter: RateLimiter | undefined
  readonly maxAttempts: number
  readonly timeouts: Timeouts
  readonly preserveOrder: boolean
  readonly cache: CacheStore | undefined
  /** Everything that decides an answer but the record itself. The first number is the form of the stored values. */
  readonly identity: readonly unknown[]
  readonly pricing: Pricing | undefined
  readonly maxCost: number
}
