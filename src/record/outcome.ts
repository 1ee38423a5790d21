import type { RecordError } from './errors.ts'

/** Which request a record travelled in, and where in it, so that effects of position can be studied. */
export interface PackInfo {
  /** Number of the request within this stream, from 1, in the order of sending. */
  readonly request: number
  /** The API's id of the answer, such as `chatcmpl-…`, where it gave one. */
  readonly responseId: string | undefined
  /** Position of the record in the pack, from 1: the id it carried in that request. */
  readonly position: number
  /** How many records shared the request. */
  readonly size: number
}

export interface Fulfilled<R, T> {
  readonly status: 'fulfilled'
  /** Position of the record in the input, from 0. */
  readonly index: number
  readonly record: R
  readonly value: T
  /** How many requests carried this record, refused ones (429) not counted; 0 if its value came from the cache, or from a record of the same text. */
  readonly attempts: number
  /** The request that brought the value; absent if it came from the cache. */
  readonly pack?: PackInfo
}

export interface Rejected<R> {
  readonly status: 'rejected'
  /** Position of the record in the input, from 0. */
  readonly index: number
  readonly record: R
  readonly reason: RecordError
  /** How many requests carried this record, refused ones (429) not counted; 0 if it was never sent. */
  readonly attempts: number
  /** The last request that carried it; absent if it was never sent. */
  readonly pack?: PackInfo
}

/** What the stream emits for each record, exactly once. The words are those of `PromiseSettledResult`. */
export type Outcome<R, T> = Fulfilled<R, T> | Rejected<R>
