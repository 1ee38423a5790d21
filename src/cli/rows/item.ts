import {
  earlierRow,
  isExactNumber,
  OUTCOME_COLUMNS,
  parseExactly,
  rawColumns,
  rowErrorCodes,
  type Row,
  type RowError,
} from '../../files/index.ts'
import { UsageError } from '../flags/usage-error.ts'

/** Codes of rows that do not hold their record, but at best its source. */
export const UNREADABLE: ReadonlySet<string> = new Set([
  ...rowErrorCodes,
  ...['unreadable', 'not_a_record', 'reserved_column'],
])

/**
 * Why a readable record cannot be sent. The message gives its place, and no content except names of
 * columns.
 */
export class ItemError extends Error {
  override readonly name = 'ItemError'
  readonly code:
    'not_a_record' | 'reserved_column' | 'missing_column' | 'column_taken' | 'empty_text' | 'unreadable'

  constructor(code: ItemError['code'], { file, line }: Row, what: string) {
    super(`${file === '-' ? 'stdin' : file}:${line}: ${what}`)
    this.code = code
  }
}

/** A record on its way through the stream. */
export interface Item {
  /** Position in the whole input, from 0. */
  readonly index: number
  readonly file: string
  readonly line: number
  /** The columns that go to the output unchanged. */
  readonly own: Readonly<Record<string, unknown>>
  /** The columns of its table, in order. */
  readonly columns?: readonly string[] | undefined
  /** The text to send, or why the record cannot be sent. */
  readonly text: string | RowError | ItemError
}

/** The text to send. Throws the reason if the record cannot be sent. */
export function askedText({ text }: Item): string {
  if (typeof text === 'string') return text
  throw text
}

/** Makes the text of a record from its columns. Throws an `Error` that names a missing column. */
export type TextOf = (own: Readonly<Record<string, unknown>>) => string

/** The function that makes a record's text, by the flags. */
export function textFrom(
  field: string | undefined,
  template: string | undefined,
  hoist: readonly string[] = [],
): TextOf {
  const textOf = unhoisted(field, template, hoist)
  if (hoist.length === 0) return textOf
  return (own) => {
    for (const name of hoist) if (!Object.hasOwn(own, name)) throw noColumn(own, name)
    return textOf(own)
  }
}

/** The text of a record without its hoisted columns. */
function unhoisted(
  field: string | undefined,
  template: string | undefined,
  hoist: readonly string[],
): TextOf {
  const twice = (name: string, flag: string) =>
    new UsageError(`--hoist: ${name} is in ${flag} too, so it would be sent twice`)
  if (field !== undefined && template !== undefined)
    throw new UsageError('Expected --field or --template, got both')
  if (field !== undefined) {
    if (hoist.includes(field)) throw twice(field, '--field')
    return (own) => textOf(own, field)
  }
  if (template === undefined) return (own) => wholeRecord(without(own, hoist))
  const parts = template.split(/\{\{\s*(.*?)\s*\}\}/)
  if (parts.length === 1) throw new UsageError('--template: expected a {{column}} in it')
  if (parts.some((part, i) => i % 2 === 0 && /\{\{|\}\}/.test(part))) {
    throw new UsageError('--template: expected each {{ to have its }}')
  }
  const hoisted = parts.find((part, i) => i % 2 === 1 && hoist.includes(part))
  if (hoisted !== undefined) throw twice(hoisted, '--template')
  return (own) => parts.map((part, i) => (i % 2 === 0 ? part : textOf(own, part))).join('')
}

/** A line stays as it is. Any other record becomes JSON. */
const wholeRecord: TextOf = (own) => {
  const { text, ...rest } = own
  return typeof text === 'string' && Object.keys(rest).length === 0 ? text : JSON.stringify(own)
}

/** The columns of a record that all records of its request have in common. */
export function hoisted(own: Item['own'], names: readonly string[]): Item['own'] {
  return Object.fromEntries(Object.entries(own).filter(([name]) => names.includes(name)))
}

function without(own: Item['own'], names: readonly string[]): Item['own'] {
  if (names.length === 0) return own
  return Object.fromEntries(Object.entries(own).filter(([name]) => !names.includes(name)))
}

function noColumn(own: Item['own'], name: string): Error {
  const names = Object.keys(own)
    .slice(0, 20)
    .map((one) => JSON.stringify(one))
  return new Error(`there is no column ${JSON.stringify(name)}; there are: ${names.join(', ')}`)
}

/** The value of a column, by its name or by `a.b` for a field inside a column. */
export function columnOf(own: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(own, name)) return own[name]
  let value: unknown = own
  for (const key of name.split('.')) {
    value = parseCell(value)
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) {
      throw noColumn(own, name)
    }
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

/**
 * Reads an object of a table, which is JSON there. Its numbers stay exact: they are part of the
 * text.
 */
function parseCell(value: unknown): unknown {
  if (typeof value !== 'string' || !/^[[{]/.test(value)) return value
  try {
    return parseExactly(value)
  } catch {
    return value
  }
}

function textOf(own: Readonly<Record<string, unknown>>, name: string): string {
  const value = columnOf(own, name)
  if (value === null) throw new Error(`the column ${JSON.stringify(name)} is null`)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A row of the input as an item. */
export function toItem(row: Row, index: number, makeText: TextOf, taken: ReadonlySet<string>): Item {
  const { file, line } = row
  if (row.error) return { index, file, line, own: rawColumns(row.raw), text: row.error }
  const columns = columnsOf(row.record)
  const earlier = columns && earlierRow(columns)
  const own = earlier?.own ?? columns
  const item = (text: string | ItemError, kept = own ?? {}): Item => ({
    ...{ index, file, line, columns: row.columns, text },
    own: kept,
  })
  const bad = (code: ItemError['code'], what: string) => item(new ItemError(code, row, what))
  // The output has no place for the columns of this record.
  const foreign = (code: ItemError['code'], what: string) =>
    item(new ItemError(code, row, what), rawColumns(JSON.stringify(row.record)))

  if (!own) return foreign('not_a_record', 'expected an object or a text')
  if (UNREADABLE.has(earlier?.reason?.code ?? ''))
    return bad('unreadable', 'this row could not be read in an earlier run')
  const reserved = Object.keys(own).find((name) => OUTCOME_COLUMNS.includes(name))
  if (reserved !== undefined) {
    const name = JSON.stringify(reserved)
    return foreign('reserved_column', `a column ${name} has a meaning in an output: rename it`)
  }
  const clash = Object.keys(own).find((name) => taken.has(name))
  if (clash !== undefined) {
    return bad(
      'column_taken',
      `the result has a column ${JSON.stringify(clash)} too: give it another name with --prefix`,
    )
  }
  try {
    const text = makeText(own)
    return text.trim() === '' ? bad('empty_text', 'there is no text to ask about') : item(text)
  } catch (error) {
    return bad('missing_column', (error as Error).message)
  }
}

/**
 * The names of a record's own columns, in the order of its table. An object would put whole numbers
 * first.
 */
export function columnNames({ columns = [], own }: Item): string[] {
  return [...new Set([...columns.filter((name) => Object.hasOwn(own, name)), ...Object.keys(own)])]
}

function columnsOf(record: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof record === 'string') return { text: record }
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return undefined
  return isExactNumber(record) ? undefined : (record as Record<string, unknown>)
}
