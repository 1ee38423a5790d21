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
  /** How many requests have carried it. */
  attempts: number
  /** How many more may carry it. */
  attemptsLeft: number
  /** How many records may share the next request with it, itself included. */
  maxCompany: number
  /** The last element that named this record and did not match the schema. */
  invalid: RecordError | undefined
}
