import type { AuditRules } from '../audit/rules.ts'
import type { Api, ApiName } from '../api/api.ts'
import type { OutputMode } from '../api/request-form.ts'
import type { ChatClient, RequestFields, ResponsesClient, ResponsesFields } from '../api/clients.ts'
import type { Example } from '../request/prompt.ts'
import type { RateLimiter } from '../limits/rate-limiter.ts'
import type { CacheStore } from '../cache/result-cache.ts'
import type { SharedField } from '../record/entry.ts'
import type { ResultIssue } from '../record/errors.ts'
import type { ResultFormat } from '../request/result-format.ts'
import type { UserSchema } from '../request/user-schema.ts'
import type { Pricing } from '../accounts/stats.ts'
import type { EscalationRules } from '../panel/escalation.ts'
import type { VoteRules } from '../panel/tally.ts'
import type { TokenCounter } from '../learning/token-estimator.ts'

/** How records are decided by ballots. */
export interface VoteOptions<T> {
  /** Largest number of ballots of a record, at least 2. */
  readonly ballots: number
  /**
   * Returns the part of a value in which ballots have to agree, such as the label without the
   * confidence. Default: the whole value.
   */
  readonly by?: ((value: T) => unknown) | undefined
  /**
   * Makes one value of the values of a record without a majority, such as their mean. Default: the
   * most frequent value, and of several the first.
   */
  readonly merge?: ((values: readonly T[]) => T) | undefined
}

/** The options of a `PackStream`. Durations are in ms. */
export interface PackStreamOptions<R, T> {
  /**
   * An `OpenAI` or `AzureOpenAI` instance of `openai` 5 to 7, or any object with the same
   * `chat.completions.create` (with `api: 'responses'`: `responses.create`).
   */
  readonly client: ChatClient | ResponsesClient
  /** The API: Chat Completions, or Responses with `store: false`. Default: `'chat'`. */
  readonly api?: ApiName | undefined
  /** Name of the model, as in the API. */
  readonly model: string
  /**
   * What the server is asked to keep to: `'json_schema'`, `'json_object'` (any JSON), or `'text'`
   * (nothing). In the last two, the schema stands in the prompt. If the server refuses the field,
   * the stream tries the next of them, and stays with it. Default: `'json_schema'`.
   */
  readonly output?: OutputMode | undefined
  /** The task for each record. The system message begins with this text. */
  readonly instructions: string
  /**
   * Schema for the result of ONE record: of Zod 4, or of another library that follows Standard
   * Schema and writes JSON Schema. It sets the type of `outcome.value` and the format of the
   * answer, and checks every element.
   */
  readonly schema: UserSchema<T>
  /** Few-shot pairs. Each request has them once, before the records. Default: none. */
  readonly examples?: readonly Example<R>[] | undefined
  /**
   * Returns the text of a record. Default: a string as it is, anything else by `JSON.stringify`.
   */
  readonly serialize?: ((record: R) => string) | undefined
  /**
   * Returns a key, such as a tenant's name. Only records with the same key share a pack. Default:
   * all records may share a pack.
   */
  readonly partition?: ((record: R) => string) | undefined
  /**
   * Names of fields that many records have in common, such as `['document']`. Only records with the
   * same values share a pack, and the values stand once in its prompt, before the records.
   * `serialize` gets each record without these fields. A function returns the fields of a record
   * instead, as an object; then `serialize` gets the whole record. Default: none.
   */
  readonly hoist?: readonly string[] | ((record: R) => Readonly<Record<string, unknown>>) | undefined
  /**
   * Checks what `schema` cannot say, such as whether the result keeps the placeholders of the
   * record. Returns `true`, or the reason why the value is wrong. A wrong value is treated like an
   * element that does not match the schema: the record is asked again, and at last rejected with
   * `invalid_result`. Default: none.
   */
  readonly validate?: ((record: R, value: T) => true | string) | undefined
  /**
   * Asks about each record in two packs with other neighbours. If the two answers differ, it asks
   * once more, until more than half of the answers agree or this number is reached. The outcome has
   * the value of the majority, and `votes`. Default: one answer for each record.
   */
  readonly votes?: number | VoteOptions<T> | undefined
  /**
   * Asks some records once more, in a second step: by another model, or in packs of one. These are
   * the records whose ballots do not all agree (`votes`), for which `escalate.when` returns true,
   * or that were rejected. The value of the second step replaces the first. Default: none.
   */
  readonly escalate?: EscalateOptions<R, T> | undefined
  /** More fields of the request, such as `temperature`, `seed` or `service_tier`. Default: none. */
  readonly request?: RequestFields | ResponsesFields | undefined

  /**
   * Largest number of tokens of the records in one pack, with their tags, without the fixed prompt
   * and the fields of `hoist`. A larger record is sent alone. Default: 4,000.
   */
  readonly maxPackTokens?: number | undefined
  /**
   * Largest number of records in one pack. Default: 25. Packs of 10 to 25 records have most of the
   * gain, and models keep their accuracy.
   */
  readonly maxPackRecords?: number | undefined
  /**
   * Largest cap on the tokens of one answer, reasoning included. It also limits a pack: the results
   * are expected to fill at most 70% of this cap. The cap of a request (`max_completion_tokens`,
   * `max_output_tokens`) is at most this number. After the first results, it is about twice the
   * expected length of the answer, because providers charge rate limits for the cap. Default: the
   * model's cap.
   */
  readonly maxOutputTokens?: number | undefined
  /**
   * Returns the number of tokens of a text. Default: an estimate from the bytes of the text, which
   * corrects itself by the `usage` that the API reports.
   */
  readonly countTokens?: TokenCounter | undefined
  /**
   * Time for which a pack that is not full waits for more records, from its first record. With 0,
   * all records written in one turn of the event loop are sent at its end. Default: 100.
   */
  readonly linger?: number | undefined
  /**
   * Number of records whose order is drawn at random, by a fixed seed, before they are packed. So
   * the records of an input that is sorted do not share packs with their neighbours. A record waits
   * for them no longer than `linger`. Default: records are packed in the order of the input; with
   * `votes`, the ballots of four packs of records are drawn.
   */
  readonly mix?: number | undefined
  /** Largest number of requests that run at once. Default: 4. */
  readonly maxInFlight?: number | undefined
  /**
   * Limits the requests and tokens per minute. Pass the same limiter to all streams that share a
   * quota. Default: a new limiter without configured limits, which obeys the server's headers and
   * waits after a 429.
   */
  readonly limiter?: RateLimiter | undefined
  /**
   * Largest number of attempts for one record. A search for the guilty record of a pack and a wait
   * for a rate limit do not count as attempts. Default: 4.
   */
  readonly maxAttempts?: number | undefined
  /**
   * Longest time from sending a request to the first token of its answer. `Infinity`: no limit.
   * Default: 120,000.
   */
  readonly firstTokenTimeout?: number | undefined
  /** Longest time between two tokens of an answer. `Infinity`: no limit. Default: 60,000. */
  readonly idleTimeout?: number | undefined
  /** Longest time for a whole request. `Infinity`: no limit. Default: 600,000. */
  readonly requestTimeout?: number | undefined
  /**
   * Emits outcomes in the order of the input, through a window of
   * `2 * ((maxInFlight + 2) * maxPackRecords + mix)` records. Default: false.
   */
  readonly preserveOrder?: boolean | undefined
  /**
   * Stores fulfilled values: a `Map`, a `Keyv`, or any store with `get` and `set`. The key contains
   * everything that decides a value. Records with the same text are sent once, also while the first
   * of them is in flight. `get` must return the string that `set` received. Default: none.
   */
  readonly cache?: CacheStore | undefined
  /** Prices, for `stats.cost` and `maxCost`. Default: none. */
  readonly pricing?: Pricing | undefined
  /**
   * US dollars that the stream may spend, by `pricing`. The stream sends no request that might
   * exceed this amount together with the running requests. Then it emits all outcomes that were
   * paid for, and is destroyed with `max_cost_reached`. Default: none.
   */
  readonly maxCost?: number | undefined
  /**
   * Number of records that may be rejected, or below 1 their share of the records with an outcome,
   * from 40 outcomes on. With more, the stream emits all outcomes that were paid for, and is
   * destroyed with `too_many_rejects`. Default: any number.
   */
  readonly maxRejects?: number | undefined
  /**
   * Whether the server has accepted such requests before, for example in a run that this run
   * continues. Then a refused request is always the fault of a record. Default: `false`, so that
   * the stream finds out.
   */
  readonly accepted?: boolean | undefined

  /**
   * Asks a share of the records alone too, while the job runs, and shows in `stats.audit` how many
   * answers packing changes. Default: none.
   */
  readonly audit?: AuditOptions<T> | undefined

  /** Destroys the stream with an `AbortError`, and aborts its requests. */
  readonly signal?: AbortSignal | undefined
  /** Number of records, and number of outcomes, that Node buffers. Default: Node's, 16. */
  readonly highWaterMark?: number | undefined
  /** Number of records that Node buffers. Default: Node's, 16. */
  readonly writableHighWaterMark?: number | undefined
  /** Number of outcomes that Node buffers. Default: Node's, 16. */
  readonly readableHighWaterMark?: number | undefined
}

/** Shares are from 0 to 1. */
export interface AuditOptions<T = unknown> {
  /**
   * Share of the records that are asked twice more, alone. Only records whose answer came from a
   * pack of several records are drawn.
   */
  readonly share: number
  /** Share of the answers that packing may change beyond the model's own noise. Default: 0.02. */
  readonly margin?: number | undefined
  /**
   * Whether packs become smaller, for the rest of the job, when it is established that packing
   * changes more answers than `margin`. Default: false, so that only a notice says it.
   */
  readonly guard?: boolean | undefined
  /** A whole number that decides which records are drawn. Default: 1. */
  readonly seed?: number | undefined
  /**
   * Returns the part of a value that is compared, such as the label without the confidence.
   * Default: `by` of `votes`, or the whole value.
   */
  readonly by?: ((value: T) => unknown) | undefined
}

/**
 * The second step. All other options are those of the stream, and `instructions`, `request` and so
 * on too, unless they stand here.
 */
export interface EscalateOptions<R, T> extends Partial<
  Pick<
    PackStreamOptions<R, T>,
    | 'client'
    | 'api'
    | 'output'
    | 'model'
    | 'instructions'
    | 'examples'
    | 'request'
    | 'maxPackTokens'
    | 'maxPackRecords'
    | 'maxOutputTokens'
    | 'countTokens'
    | 'maxInFlight'
    | 'limiter'
    | 'maxAttempts'
    | 'firstTokenTimeout'
    | 'idleTimeout'
    | 'requestTimeout'
    | 'pricing'
  >
> {
  /**
   * Returns true if a value of the first step is not good enough, such as one with a low
   * confidence. Default: no value is asked again, unless ballots disagree.
   */
  readonly when?: ((record: R, value: T) => boolean) | undefined
}

/** Deadlines in ms. `Infinity`: no limit. */
export interface Timeouts {
  readonly firstTokenTimeout: number
  readonly idleTimeout: number
  readonly requestTimeout: number
}

/** The second step of a stream, from the option `escalate`. */
export interface SecondStep<R, T> extends EscalationRules<R, T> {
  readonly options: Resolved<R, T>
  /** Whether both steps have the same client and model, and so share a limiter. */
  readonly sharesQuota: boolean
}

/** The options with all defaults, and the values that follow from them. No value changes. */
export interface Resolved<R, T> {
  readonly client: unknown
  readonly apiName: ApiName
  readonly api: Api
  readonly output: OutputMode
  readonly model: string
  readonly serialize: (record: R) => string
  readonly partition: ((record: R) => string) | undefined
  /** Returns the fields of a record that stand once in a pack. */
  readonly hoist: ((record: R) => readonly SharedField[]) | undefined
  /** Returns the reasons for which `validate` refuses a value. */
  readonly issuesOf: ((record: R, value: unknown) => readonly ResultIssue[] | undefined) | undefined
  readonly votes: VoteRules<T> | undefined
  readonly escalate: SecondStep<R, T> | undefined
  readonly request: object
  readonly format: ResultFormat<T>
  /** The system message. */
  readonly system: string
  /** Number of examples in the system message. */
  readonly examples: number
  readonly maxPackTokens: number
  readonly maxPackRecords: number
  readonly maxOutputTokens: number | undefined
  readonly countTokens: TokenCounter | undefined
  readonly linger: number
  readonly mix: number
  readonly maxInFlight: number
  /** Largest number of records that are read and wait. See `windowOf()`. */
  readonly window: number
  readonly limiter: RateLimiter | undefined
  readonly maxAttempts: number
  readonly timeouts: Timeouts
  readonly preserveOrder: boolean
  readonly cache: CacheStore | undefined
  /**
   * Everything that decides an answer, except the record. The first number is the version of the
   * stored format.
   */
  readonly identity: readonly unknown[]
  readonly pricing: Pricing | undefined
  readonly maxCost: number
  readonly accepted: boolean
  readonly maxRejects: number
  readonly audit: AuditRules<T> | undefined
}
