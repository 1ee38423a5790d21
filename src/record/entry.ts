import type { RecordError, ResultIssue } from './errors.ts'

/** A field that all records of a pack have in common. */
export interface SharedField {
  readonly name: string
  readonly text: string
}

/** All texts of a request: the records, and once the fields that they have in common. */
export function textsOf(pack: readonly Entry<unknown>[]): string[] {
  return [...pack, ...(pack[0]?.shared ?? [])].map(({ text }) => text)
}

/** A record that is in the stream. */
export interface Entry<R> {
  /** Position in the input, from 0. */
  readonly index: number
  readonly record: R
  /** The text that `serialize` returned. */
  readonly text: string
  /** Tokens of the record in a pack's budget, tags included. */
  readonly tokens: number
  /** The fields that stand once in a pack, from `hoist`. */
  readonly shared: readonly SharedField[]
  /**
   * Key from `partition`, and from `shared` with `hoist`. Only records with the same key share a
   * pack.
   */
  readonly partition: string | undefined
  /** Key of the result in the cache; `undefined` without a cache. */
  readonly cacheKey: string | undefined
  /** Checks a value by `validate`. Absent without that option. */
  readonly issuesOf?: (value: unknown) => readonly ResultIssue[] | undefined
  /**
   * Whether this is no record of the input, but a question of the audit. It is sent alone, after
   * the packs that wait already.
   */
  readonly isAudit?: true
  /** Whether this is the question of a second step, from the option `escalate`. */
  readonly isEscalated?: true
  /** Number of requests that have carried the record. */
  attempts: number
  /** Number of further requests that may carry the record. */
  attemptsLeft: number
  /** Number of records that may share the next request, this record included. */
  maxCompany: number
  /**
   * Number of a request whose records stay together when they are sent again, because that request
   * was refused before the model tried them, or because one of them causes its failure.
   * `undefined`: the record may share a request with any other record.
   */
  group: number | undefined
  /** Number of requests that carried the record and failed for a reason outside of the record. */
  failures: number
  /**
   * Whether the answer was cut although the record was alone. The record is then sent once more,
   * with the largest cap.
   */
  needsMaxCap: boolean
  /** Whether the server refused a cap that the stream made for the record. Then it gets none. */
  needsNoCap: boolean
  /** The error of the last element that named this record and did not match the schema. */
  invalid: RecordError | undefined
}

/** Another question about a record, with attempts of its own. */
export function questionOf<R>(entry: Entry<R>, maxAttempts: number, maxCompany: number): Entry<R> {
  return {
    ...entry,
    ...{ attempts: 0, attemptsLeft: maxAttempts, maxCompany, group: undefined },
    ...{ failures: 0, needsMaxCap: false, invalid: undefined },
  }
}
