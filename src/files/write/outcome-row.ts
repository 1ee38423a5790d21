import { isExactNumber } from '../read/exact-number.ts'
import { ERROR, INDEX, outcomeColumns, RAW, reasonOf, type Rejection } from '../own-columns.ts'
import { setOwn } from '../set-own.ts'

/** The part of an `Outcome` that goes into its row. */
export type OutcomeOfRow =
  | {
      readonly status: 'fulfilled'
      readonly index: number
      readonly record: unknown
      readonly value: unknown
    }
  | {
      readonly status: 'rejected'
      readonly index: number
      readonly record: unknown
      readonly reason: Rejection
    }

export interface OutcomeRowOptions {
  /** Prefix of the names of the result's fields. Default: no prefix. */
  readonly prefix?: string | undefined
}

/**
 * Makes the output row of an outcome: the record's own columns, the result's fields, `_index`, and
 * for a rejected outcome `_error: { code, message }` and, if a model wrote something instead of a
 * result, its first 4 kB as `_raw`. A record with its own `_raw` keeps that column. A record that
 * is not an object has one column: `text` for a string, otherwise `record`. A result that is not a
 * plain object has one column too: `result`, behind the prefix.
 *
 * A record or result may not have columns named `_index` or `_error`, so that a fulfilled outcome
 * never looks rejected.
 *
 * @throws {Error} If two columns have the same name. No column replaces another.
 */
export function outcomeRow(
  outcome: OutcomeOfRow,
  { prefix = '' }: OutcomeRowOptions = {},
): Record<string, unknown> {
  const row: Record<string, unknown> = {}
  for (const [name, value] of columnsOf(outcome.record)) setOwn(row, name, value)
  const refuse = (name: string, remedy: string): void => {
    if (Object.hasOwn(row, name)) throw new Error(`Two columns are called \`${name}\`. ${remedy}`)
  }
  if (outcome.status === 'fulfilled') {
    for (const [name, value] of fieldsOf(outcome.value)) {
      refuse(prefix + name, 'The record has it and the result too: set another `prefix` for the result')
      setOwn(row, prefix + name, value)
    }
  }
  for (const name of [INDEX, ERROR]) {
    refuse(name, 'The outcome needs it: rename it in the record or set another `prefix` for the result')
  }
  if (outcome.status === 'fulfilled') return Object.assign(row, outcomeColumns(outcome.index))
  const { raw, ...reason } = reasonOf(outcome.reason)
  const isTaken = Object.hasOwn(row, RAW)
  return Object.assign(row, outcomeColumns(outcome.index, isTaken ? reason : { ...reason, raw }))
}

function columnsOf(record: unknown): [string, unknown][] {
  if (typeof record === 'string') return [['text', record]]
  if (typeof record !== 'object' || record === null || Array.isArray(record) || isExactNumber(record)) {
    return [['record', record]]
  }
  return Object.entries(record)
}

function fieldsOf(value: unknown): [string, unknown][] {
  return isPlainObject(value) && !isExactNumber(value) ? Object.entries(value) : [['result', value]]
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
