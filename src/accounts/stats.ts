import type { Usage } from '../api/answer.ts'

/**
 * Prices in US dollars per million tokens: from your provider's price page, or the list prices of
 * `llm-pack-stream/prices`.
 */
export interface Pricing {
  readonly input: number
  /**
   * Price of input that the provider reads from its prompt cache. Default: the price of `input`.
   */
  readonly cachedInput?: number | undefined
  readonly output: number
}

/** Causes for which tokens bought no result. */
export const wasteCauses = [
  /** Records whose element did not match the schema, and their elements. */
  'invalid',
  /** Records that no element of the answer named. */
  'missing',
  /** Elements that named a record for the second time. */
  'repeated',
  /** Elements with an id that no record of the pack has, and the rest of their answers. */
  'unknown',
  /** The unsettled rest of an answer that the output cap cut off. */
  'length',
  'refusal',
  'content_filter',
  /** The unsettled rest of an answer that missed a deadline. */
  'timeout',
  /** The unsettled rest of an answer that the stream stopped because it did not end. */
  'runaway',
  /** The unsettled rest of a request that failed in another way. */
  'failure',
] as const

export type WasteCause = (typeof wasteCauses)[number]

/** A pause in which a stream sends no request, although records wait to be sent. */
export interface Waiting {
  /**
   * `rate_limit`: a server refused a request with a 429, or a limit per minute has no room.
   * `server`: requests failed, and the stream tries again later.
   */
  readonly for: 'rate_limit' | 'server'
  /** End of the pause, in ms since 1970, like `Date.now()`. The clock is that of this machine. */
  readonly until: number
  /**
   * The last refusal or failure in words, with the HTTP status and codes, and without text of the
   * server. `undefined` if the server refused nothing, and only a limit has no room.
   */
  readonly said: string | undefined
}

/**
 * What packing changed under one limit of records, in the records that were also asked alone,
 * twice. Shares are from 0 to 1.
 */
export interface AuditStage {
  /** Largest number of records in one pack. */
  readonly packRecords: number
  /** Number of records that were compared. */
  readonly records: number
  /**
   * How often the packed answer differs from an answer alone, as the mean of the packs. `undefined`
   * before the first pack.
   */
  readonly disagreement: number | undefined
  /** How often the two answers alone differ from each other, as the mean of the packs. */
  readonly noise: number | undefined
  /**
   * Interval of `disagreement - noise`. It holds at all times together: with 95% in the first
   * stage, and with more in each later stage.
   */
  readonly interval: { readonly low: number; readonly high: number }
}

/** What an audit has found under the present limit of records, and in `steps` under others. */
export interface AuditFindings extends AuditStage {
  readonly margin: number
  /** Number of records that were drawn, but not compared, because a question was rejected. */
  readonly dropped: number
  /** The stages that ended because packing changed too many answers, with `guard`. */
  readonly steps: readonly AuditStage[]
}

/** The audit of a stream. */
export interface AuditStats extends AuditFindings {
  /** Number of requests of the audit, and what they took. All other accounts include them too. */
  readonly requests: number
  readonly tokens: Usage
  /** Cost in US dollars. `undefined` without `pricing`. */
  readonly cost: number | undefined
}

/** The second step of a stream, from the option `escalate`. */
export interface EscalationStats {
  /** Number of records that the second step has settled. */
  readonly records: number
  /** Number of these records whose value is another than that of the first step. */
  readonly changed: number
  /** Number of these records that the first step had rejected, and that have a value now. */
  readonly rescued: number
  /** Number of requests of the second step, and what they took. The totals include them too. */
  readonly requests: number
  readonly tokens: AuditStats['tokens']
  /** Cost in US dollars. `undefined` without `pricing`. */
  readonly cost: number | undefined
}

/** A frozen snapshot of a stream's accounts. */
export interface Stats {
  readonly records: {
    readonly read: number
    readonly fulfilled: number
    readonly rejected: number
    /** Records that were read and have no outcome yet. */
    readonly unsettled: number
  }
  /** Number of requests with new records, or with new ballots about records. */
  readonly packs: number
  /** Number of requests with records that an earlier request left unsettled. */
  readonly retries: number
  /** Number of requests: `packs + retries`, and those of the audit and of the second step. */
  readonly requests: number
  /** Number of requests that a rate limit refused. Included in `requests`. */
  readonly rateLimited: number
  /** Number of requests that are running. */
  readonly inFlight: number
  /** The pause in which the stream is, if it is in a pause. */
  readonly waiting: Waiting | undefined
  /** Number of elements and records with each fault. */
  readonly elements: {
    readonly invalid: number
    readonly repeated: number
    readonly unknown: number
    readonly missing: number
  }
  readonly answers: {
    /**
     * Number of answers whose elements came in another form than the request asked for: in prose,
     * in a fence, under another name, in a bare list, or with an id as a text.
     */
    readonly wrapped: number
    /** Number of answers with an id that was not asked, or that came again. */
    readonly strayIds: number
  }
  readonly tokens: {
    readonly input: number
    /** Part of `input` that the provider read from its prompt cache. */
    readonly cached: number
    readonly output: number
    /** Part of `output` that the model spent on reasoning. */
    readonly reasoning: number
    /**
     * Part of `input + output` that the stream estimated because an answer broke off before the API
     * reported its usage.
     */
    readonly estimated: number
    /**
     * Part of `input + output` that bought results. `used` and all `wasted` add up to `input +
     * output`.
     */
    readonly used: number
    /** Part of `input + output` that bought no result, by cause. */
    readonly wasted: Readonly<Record<WasteCause, number>>
  }
  /**
   * Records whose value came from the `cache` (`hits`), or from a record with the same text that
   * was in flight (`shared`). `failures` counts failed reads and writes of the store.
   */
  readonly cache: {
    readonly hits: number
    readonly shared: number
    readonly failures: number
  }
  /** Records that ballots have decided. Absent without the option `votes`. */
  readonly votes?: {
    /** Number of ballots of these records. */
    readonly ballots: number
    /** Number of records with a value whose ballots did not all agree. */
    readonly split: number
    /** Number of records with a value that has no majority. Included in `split`. */
    readonly undecided: number
  }
  /** Cost in US dollars. `undefined` without `pricing`. */
  readonly cost: number | undefined
  /** What packing changes. Absent without the option `audit`. */
  readonly audit?: AuditStats
  /** Records that were asked in a second step. Absent without the option `escalate`. */
  readonly escalation?: EscalationStats
}
