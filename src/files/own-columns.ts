import { parseExactly } from './read/json-value.ts'
import { setOwn } from './set-own.ts'

/** A record's position in the input, from 0. */
export const INDEX = '_index'
/** Why the record was rejected. */
export const ERROR = '_error'
/** The values without a column in a table, as a JSON object. */
export const MORE = '_more'
/**
 * The source of a row without a record: its text, or its bytes if they are not UTF-8. For a record
 * that a model answered without a result: the text of the model.
 */
export const RAW = '_raw'
const RAW_BASE64 = '_raw_base64'

/** The columns of an output that belong to neither records nor results. */
export const OUTCOME_COLUMNS: readonly string[] = [INDEX, ERROR, MORE]
/** All names with a fixed meaning in an output. A result may not use them. */
export const OWN_COLUMNS: readonly string[] = [...OUTCOME_COLUMNS, RAW, RAW_BASE64]

/**
 * The end of a message whose row has the text of a model as `_raw`. It tells that text from a
 * column of the record: some logs call their text `_raw`.
 */
const IN_RAW = ' (_raw: what the model wrote)'
/** Longest text of a model in a row. */
const RAW_BYTES = 4_096

/** Why a record was rejected, as its row says it. */
export interface Reason {
  readonly code: string
  readonly message: string
  /** What the model wrote instead of a result. */
  readonly raw?: string | undefined
}

/** Why a record was rejected, as the stream says it: a `RecordError`. */
export interface Rejection {
  readonly code: string
  readonly message: string
  readonly cause?: unknown
  readonly issues?: readonly { readonly message: string; readonly expected?: string }[]
  readonly raw?: string | undefined
  readonly refusal?: string | undefined
}

/**
 * The reason with everything that a person needs in its message: the failure of the request, or the
 * first issue in the words of the schema. A row has the record, so it may quote it.
 */
export function reasonOf({ code, message, cause, issues, raw, refusal }: Rejection): Reason {
  const issue = issues?.[0]
  // What a schema expects is in the message already.
  const more = cause instanceof Error ? cause.message : issue?.expected === undefined && issue?.message
  const written = raw ?? refusal
  return {
    code,
    message: more ? `${message}: ${more}` : message,
    // An answer may be empty.
    ...(written ? { raw: cut(written) } : {}),
  }
}

/** The longest beginning of a text that has at most 4 kB and ends with a whole character. */
function cut(text: string): string {
  return new TextDecoder().decode(Buffer.from(text).subarray(0, RAW_BYTES), { stream: true })
}

/** The columns that say which record a row belongs to and why it was rejected. */
export function outcomeColumns(index: number, reason?: Reason): Record<string, unknown> {
  if (!reason) return { [INDEX]: index }
  const { code, message, raw } = reason
  return raw === undefined
    ? { [INDEX]: index, [ERROR]: { code, message } }
    : { [INDEX]: index, [ERROR]: { code, message: message + IN_RAW }, [RAW]: raw }
}

/** The columns that keep the source of a row without a record, so that nothing is lost. */
export function rawColumns(source: string | Uint8Array | undefined): Record<string, unknown> {
  if (source === undefined) return {}
  return typeof source === 'string'
    ? { [RAW]: source }
    : { [RAW_BASE64]: Buffer.from(source).toString('base64') }
}

/** The value of the column `_more`: the properties of a row that a table has no column for. */
export function moreOf(row: Readonly<Record<string, unknown>>, names: readonly string[]): object {
  const more = {}
  // A row that was read from a table has the column already.
  const own = Object.hasOwn(row, MORE) && row[MORE] !== '' ? [MORE] : []
  for (const name of [...own, ...names]) setOwn(more, name, row[name])
  return more
}

/** The value of the column `_error` in a table: `code: message`. `undefined`: not a reason. */
export function reasonCell(value: object): string | undefined {
  if (!('code' in value && 'message' in value)) return undefined
  return `${String(value.code)}: ${String(value.message)}`
}

/** A row of an output or of rejects. */
export interface EarlierRow {
  /** `undefined`: the file has no column for it. */
  readonly index: number | undefined
  /** Why the record was rejected, with the text of the model. */
  readonly reason: Reason | undefined
  /** The other columns, those of `_more` included. */
  readonly own: Readonly<Record<string, unknown>>
}

/**
 * Recognizes a row that an earlier run wrote to its output or rejects, and reads it back.
 * `undefined` for any other row: its columns have the same names, but another meaning.
 */
export function earlierRow(columns: Readonly<Record<string, unknown>>): EarlierRow | undefined {
  const { [INDEX]: index, [ERROR]: error } = columns
  // A table without an index has both other columns. One of them alone is of another program.
  const isMarked =
    !isEmpty(index) || (typeof error === 'object' && error !== null) || (ERROR in columns && MORE in columns)
  return isMarked ? readBackRow(columns) : undefined
}

/** Reads a row of a file that a run wrote. `undefined`: it is no row of a run. */
export function readBackRow(columns: Readonly<Record<string, unknown>>): EarlierRow | undefined {
  const { [INDEX]: indexCell, [ERROR]: errorCell, [MORE]: moreCell, ...rest } = columns
  const index = isEmpty(indexCell) ? undefined : readIndex(indexCell)
  const reason = isEmpty(errorCell) ? undefined : readReason(errorCell)
  const more = isEmpty(moreCell) ? {} : readMore(moreCell)
  if (!isEmpty(indexCell) && index === undefined) return undefined
  if (more === undefined || (!isEmpty(errorCell) && !reason)) return undefined
  // A property that has a column of its own is never written to `_more`.
  if (Object.keys(more).some((name) => Object.hasOwn(rest, name))) return undefined
  const own = { ...rest, ...more }
  const { [RAW]: raw, ...others } = own
  if (!reason?.message.endsWith(IN_RAW) || typeof raw !== 'string') return { index, reason, own }
  const message = reason.message.slice(0, -IN_RAW.length)
  return { index, reason: { code: reason.code, message, raw }, own: others }
}

/** A row without the record's position. */
export function withoutIndex(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([name]) => name !== INDEX))
}

/** `undefined` for a value that no run writes, such as `0x1F` or ` 7`. */
function readIndex(cell: unknown): number | undefined {
  const index = typeof cell === 'string' && String(Number(cell)) === cell ? Number(cell) : cell
  return typeof index === 'number' && Number.isSafeInteger(index) && index >= 0 ? index : undefined
}

function readReason(cell: unknown): Reason | undefined {
  if (typeof cell === 'string') {
    const [, code, message] = /^([a-z][a-z\d_]*): (.*)$/s.exec(cell) ?? []
    return code === undefined || message === undefined ? undefined : { code, message }
  }
  if (typeof cell !== 'object') return undefined
  const { code, message, ...rest } = cell as { code?: unknown; message?: unknown }
  const isOurs = typeof code === 'string' && typeof message === 'string' && Object.keys(rest).length === 0
  return isOurs ? { code, message } : undefined
}

function readMore(cell: unknown): object | undefined {
  if (typeof cell !== 'string' || !cell.startsWith('{')) return undefined
  try {
    return parseExactly(cell) as object
  } catch {
    return undefined
  }
}

/** A table has the column in each row; a tool that turns a table into JSON may write `null`. */
function isEmpty(cell: unknown): cell is undefined | null | '' {
  return cell === undefined || cell === null || cell === ''
}
