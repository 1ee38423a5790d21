import { isExactNumber } from '../read/exact-number.ts'
import { ERROR, INDEX, outcomeColumns, type Reason } from '../own-columns.ts'
import { setOwn } from '../set-own.ts'

/** What of an `Outcome` goes into its row. */
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
      readonly reason: Reason
    }

export interface OutcomeRowOptions {
  /** Put before the names of the result's fields. Default none. */
  readonly prefix?: string | undefined
}

/**
 * The row that an outcome becomes in an output: the record's own columns, the result's fields, `_index`, and for a rejected
 * one `_error: { code, message }`. A record that is no object has one column: `text` for a string, otherwise `record`. A
 * result that is no plain object has one too: `result`, behind the prefix.
 *
 * `_index` and `_error` are never a record's or a result's own, so that a fulfilled outcome never looks rejected.
 *
 * @throws {Error} Where two of them have one name: nothing is overwritten.
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
  const reason = outcome.status === 'rejected' ? outcome.reason : undefined
  return Object.assign(row, outcomeColumns(outcome.index, reason))
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
