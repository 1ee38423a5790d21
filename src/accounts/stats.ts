/** US dollars per million tokens. Take them from your provider's price page: they change too often to ship. */
export interface Pricing {
  readonly input: number
  /** Input read from the prompt cache. Default: the price of `input`. */
  readonly cachedInput?: number
  readonly output: number
}

/** What tokens that bought no result were spent on. */
export const wasteCauses = [
  /** Records whose element did not match the schema, and those elements. */
  'invalid',
  /** Records that no element named. */
  'missing',
  /** Elements that named a record twice. */
  'repeated',
  /** Elements that named no record of their pack. */
  'unknown',
  /** What an answer that was cut at the output cap left undone. */
  'length',
  'refusal',
  'content_filter',
  /** What an answer left undone that missed a deadline. */
  'timeout',
  /** What an answer left undone that was stopped because it did not come to an end. */
  'runaway',
  /** What a request left undone that broke off otherwise. */
  'failure',
] as const

export type WasteCause = (typeof wasteCauses)[number]

/** A frozen snapshot of a stream's accounts. */
export interface Stats {
  readonly records: {
    readonly read: number
    readonly fulfilled: number
    readonly rejected: number
    /** Read, and without an outcome yet. */
    readonly unsettled: number
  }
  /** Requests with new records. */
  readonly packs: number
  /** Requests with records that an earlier one left unsettled. */
  readonly retries: number
  /** Requests sent: `packs + retries`. */
  readonly requests: number
  /** Of `requests`: refused because of a rate limit. */
  readonly rateLimited: number
  /** Requests running now. */
  readonly inFlight: number
  /** Elements and records by fault. */
  readonly elements: {
    readonly invalid: number
    readonly repeated: number
    readonly unknown: number
    readonly missing: number
  }
  readonly tokens: {
    readonly input: number
    /** Of `input`: read from the provider's prompt cache. */
    readonly cached: number
    readonly output: number
    /** Of `output`: spent on thinking. */
    readonly reasoning: number
    /** Of `input` and `output` together: estimated, because an answer broke off before the API had counted. */
    readonly estimated: number
    /** Of `input` and `output` together: bought results. With all that is wasted: the sum of both. */
    readonly used: number
    /** Of `input` and `output` together: bought nothing, by cause. */
    readonly wasted: Readonly<Record<WasteCause, number>>
  }
  /** Records whose value came from the `cache`, or from another record of the same text that was in flight; and failures of the store. */
  readonly cache: {
    readonly hits: number
    readonly shared: number
    readonly failures: number
  }
  /** US dollars; `undefined` without `pricing`. */
  readonly cost: number | undefined
}
