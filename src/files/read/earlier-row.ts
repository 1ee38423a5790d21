import { parseExactly, rowErrorCodes } from '../index.ts'

/** Columns that an output of ours has of its own: left out of the records when it is read as an input. */
export const OURS: readonly string[] = ['_index', '_error', '_more']

/** Codes of rows that do not hold their record: it could not be taken in, and what stands there is at best its source. */
const UNREADABLE: ReadonlySet<string> = new Set([
  ...rowErrorCodes,
  ...['unreadable', 'not_a_record', 'reserved_column'],
])

/** What an earlier run wrote to its output or its rejects. */
export interface EarlierRow {
  /** The record's own columns, also those that the table had no column for. */
  readonly own: Readonly<Record<string, unknown>>
  readonly isUnreadable: boolean
}

/** A row as an earlier run wrote it; `undefined` for any other: anybody else's columns are not ours to drop. */
export function earlierRow(columns: Readonly<Record<string, unknown>>): EarlierRow | undefined {
  const { _index: index, _error: error, _more: more, ...rest } = columns
  const code = codeOf(error)
  const others = parseMore(more)
  if (!isIndex(index) || code === undefined || others === undefined) return undefined
  // What has a column is never written there.
  if (Object.keys(others).some((name) => Object.hasOwn(rest, name))) return undefined
  return { own: { ...rest, ...others }, isUnreadable: UNREADABLE.has(code) }
}

/** What a table had no columns for. */
export function moreColumns(more: unknown): object {
  return parseMore(more) ?? { _more: more }
}

function isIndex(index: unknown): boolean {
  if (typeof index === 'string') return /^\d+$/.test(index) && Number.isSafeInteger(Number(index))
  return Number.isSafeInteger(index) && (index as number) >= 0
}

/** Nothing where there is no error; `undefined` for what is none of ours. */
function codeOf(error: unknown): string | undefined {
  if (isEmpty(error)) return ''
  if (typeof error === 'string') return /^([a-z][a-z\d_]*): /.exec(error)?.[1]
  if (typeof error !== 'object') return undefined
  const { code, message, ...rest } = error as { code?: unknown; message?: unknown }
  const isOurs = typeof message === 'string' && Object.keys(rest).length === 0
  return isOurs && typeof code === 'string' ? code : undefined
}

/** `undefined` for what is none of ours. */
function parseMore(more: unknown): object | undefined {
  if (isEmpty(more)) return {}
  if (typeof more !== 'string' || !more.startsWith('{')) return undefined
  try {
    return parseExactly(more) as object
  } catch {
    return undefined
  }
}

/** As in a column of a table, or where some tool has made a table into JSON. */
function isEmpty(value: unknown): value is undefined | null | '' {
  return value === undefined || value === null || value === ''
}
