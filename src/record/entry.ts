import type { RecordError } from './errors.ts'

/** A record on its way through the stream. */
export interface Entry<R> {
  /** Position in the input, from 0. */
  readonly index: number
  readonly record: R
  /** What `serialize` made of it. */
  readonly text: string
  /** Its share of a pack's token budget, tags included. */
  readonly tokens: number
  /** What `partition` says: only records of the same key share a pack. */
  readonly partition: string | undefined
  /** Key of its result in the cache; `undefined` without one. */
  readonly cacheKey: string | undefined
  /** How many requests have carried it. */
  attempts: number
  /** How many more may carry it. */
  attemptsLeft: number
  /** How many records may share the next request with it, itself included. */
  maxCompany: number
  /**
   * The request whose records it stays among when it is sent again: they were refused before they were tried, or one of
   * them is guilty. `undefined`: it may travel with any.
   */
  group: number | undefined
  /** How many requests that carried it have failed for a reason that is not the records'. */
  failures: number
  /** Whether its answer was cut although it was alone: it is sent once more, with the largest cap. */
  needsMaxCap: boolean
  /** The last element that named this record and did not match the schema. */
  invalid: RecordError | undefined
}
