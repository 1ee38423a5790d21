import type { RecordError } from './errors.ts'

/**
 * The request that carried a record, and the record's position in it, so that effects of the
 * position can be studied.
 */
export interface PackInfo {
  /** Number of the request within this stream, from 1, in the order of sending. */
  readonly request: number
  /** The API's id of the answer, such as `chatcmpl-…`. `undefined` if the API gave no id. */
  readonly responseId: string | undefined
  /** Position of the record in the pack, from 1. */
  readonly position: number
  /** Number of records in the request. */
  readonly size: number
}

/** How the ballots of a record ended, with the option `votes`. */
export interface Votes<T> {
  /** Number of ballots, including ballots that were rejected. */
  readonly count: number
  /** Number of ballots with the value of the outcome. */
  readonly agreed: number
  /**
   * Whether more than half of the ballots have the value of the outcome. Without a majority, the
   * value comes from `merge`, or is the most frequent value, and of several the first.
   */
  readonly hasMajority: boolean
  /** The values of all ballots that have a value, if not all ballots agree. */
  readonly values?: readonly T[]
}

/** The first answer of a record that was asked in the second step, with the option `escalate`. */
export interface Escalated<T> {
  /**
   * Why the record was asked again: its ballots did not all agree, `when` returned true, or the
   * first step rejected it.
   */
  readonly because: 'votes' | 'when' | 'rejected'
  /** The value of the first step. Absent if the first step rejected the record. */
  readonly from?: T
  /** The ballots of the first step, with the option `votes`. */
  readonly votes?: Votes<T>
  /** Why the second step gave no value. Then the outcome has the value of the first step. */
  readonly reason?: RecordError
}

export interface Fulfilled<R, T> {
  readonly status: 'fulfilled'
  /** Position of the record in the input, from 0. */
  readonly index: number
  readonly record: R
  readonly value: T
  /**
   * Number of requests that carried this record, for all its ballots and both steps, without
   * requests that were refused (429). 0 if the value came from the cache, or from another record
   * with the same text.
   */
  readonly attempts: number
  /** The request whose answer held the value. Absent if the value came from the cache. */
  readonly pack?: PackInfo
  /** The ballots, with the option `votes`. Absent if the value came from the second step. */
  readonly votes?: Votes<T>
  /** The first answer, with the option `escalate`. Absent if the record was not asked again. */
  readonly escalated?: Escalated<T>
}

export interface Rejected<R> {
  readonly status: 'rejected'
  /** Position of the record in the input, from 0. */
  readonly index: number
  readonly record: R
  readonly reason: RecordError
  /**
   * Number of requests that carried this record, without requests that were refused (429). 0 if the
   * record was never sent.
   */
  readonly attempts: number
  /** The last request that carried the record. Absent if the record was never sent. */
  readonly pack?: PackInfo
}

/** The stream emits one outcome for each record. The words are those of `PromiseSettledResult`. */
export type Outcome<R, T> = Fulfilled<R, T> | Rejected<R>
