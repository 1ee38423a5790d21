import { Readable } from 'node:stream'
import {
  ERROR,
  INDEX,
  MORE,
  readBackRow,
  readRows,
  RowError,
  unescapeFormula,
  type EarlierRow,
  type GoodRow,
  type Row,
} from '../../../files/index.ts'
import { UsageError } from '../../flags/usage-error.ts'
import type { RowFile } from '../output-files.ts'
import { bytesOf, isBlankFrom, recordEnd, unfinishedFrom } from './file-ends.ts'

/** A row that an earlier run wrote. */
export interface ReadRow extends EarlierRow {
  /** `out.csv:7` */
  readonly place: string
  /** Position where it ends, in bytes. */
  readonly end: number
}

/** The marks by which a file of a run is known. */
export interface Expected {
  /** Whether a run is known to have written it. It may have stopped within its first row. */
  readonly isOurs: boolean
  /** The columns that a run gave a table. */
  readonly columns: readonly string[] | undefined
  /** The names of the columns of results. */
  readonly results: readonly string[]
}

/** The end of a file that earlier runs wrote. */
export interface FileEnd {
  /** Whether it has a whole row. */
  readonly hasRows: boolean
  /** Position after the last row or the header, in bytes. Only an unfinished row is behind it. */
  readonly end: number
  /** `\r\n` if another program has saved the file with it. */
  readonly lineEnd: '\n' | '\r\n'
  /** The columns of a table that has rows. */
  readonly columns: readonly string[] | undefined
}

export const EMPTY: FileEnd = { hasRows: false, end: 0, lineEnd: '\n', columns: undefined }

/**
 * Reads the rows that earlier runs wrote. Changes nothing.
 *
 * @throws {UsageError} If the file has anything else than rows of runs and one unfinished row at
 *   its end.
 */
export async function readBack(
  file: RowFile,
  expected: Expected,
  onRow: (row: ReadRow) => void,
): Promise<FileEnd> {
  const { path, format } = file
  const isTable = format !== 'jsonl'
  checkEncoding(path)
  let found: FileEnd = { ...EMPTY, end: isTable ? (recordEnd(path, 0, format) ?? 0) : 0 }
  const checkRest = async (what: string): Promise<FileEnd> => {
    if (!found.hasRows && found.end > 0) await checkHeaderAlone(file, found.end, expected)
    checkUnfinished(file, found, expected, what)
    return found
  }
  try {
    for await (const row of rowsOf(file)) {
      const columns = row.error ? undefined : row.columns
      if (!found.hasRows && columns) checkHeader(columns, expected, path)
      const ours = readOurs(row, isTable, expected.results)
      if (typeof ours === 'string') return await checkRest(ours)
      // A cut through the last column could go unseen, unless it is `_more`, which has its quotes.
      const isWhole = row.terminated || !isTable || columns?.at(-1) === MORE
      if (!isWhole) return await checkRest(`${placeOf(row)}: expected a line end`)
      onRow({ ...ours, place: placeOf(row), end: row.end })
      const lineEnd = found.hasRows ? found.lineEnd : lineEndAt(path, row.end)
      found = { hasRows: true, end: row.end, lineEnd, columns }
    }
  } catch (error) {
    if (!(error instanceof RowError)) throw error
    return checkRest(error.message)
  }
  return found.hasRows ? found : checkRest(`${path}: there is no row of an earlier run`)
}

/** Checks the header of a file without whole rows. */
async function checkHeaderAlone(file: RowFile, end: number, expected: Expected): Promise<void> {
  const { path } = file
  const foreign = `${path}: there is no row of an earlier run. ${whatToDo(path)}`
  if (!expected.isOurs) throw new UsageError(foreign)
  // The reader gives the columns with a row: the header once more.
  const header = bytesOf(path, 0, end)
  try {
    for await (const row of rowsOf({ ...file, path: '-' }, Readable.from([header, header]))) {
      if (row.error) throw row.error
      if (row.columns) checkHeader(row.columns, expected, path)
    }
  } catch (cause) {
    throw cause instanceof RowError ? new UsageError(foreign, { cause }) : cause
  }
}

/** The rows of a file that `readBack` has checked. */
export async function* readRowsOf(file: RowFile): AsyncGenerator<ReadRow> {
  for await (const row of rowsOf(file)) {
    const ours = row.error ? undefined : readBackRow(row.record as Record<string, unknown>)
    if (ours) yield { ...ours, place: placeOf(row), end: row.end }
  }
}

/** The rows of a file as they are, without a guess at its form. */
async function* rowsOf({ path, format, style }: RowFile, stdin?: Readable): AsyncGenerator<Row> {
  const { delimiter, escapesFormulas } = style
  const rows: AsyncIterable<Row> = readRows([path], {
    ...{ format, delimiter, maxRecordBytes: Number.MAX_SAFE_INTEGER },
    ...{ quote: true, exactNumbers: true, stdin },
  })
  for await (const row of rows) yield escapesFormulas && !row.error ? withoutEscapes(row) : row
}

/** A row of a table as it was before `--escape-formulas`. */
function withoutEscapes(row: GoodRow): GoodRow {
  const cells = Object.entries(row.record as Record<string, string>)
  const record: unknown = Object.fromEntries(cells.map((cell) => cell.map(unescapeFormula)))
  return { ...row, record, columns: row.columns?.map(unescapeFormula) }
}

/** A row of an earlier run, or why it is not a row of an earlier run. */
function readOurs(row: Row, isTable: boolean, results: readonly string[]): EarlierRow | string {
  if (row.error) return row.error.message
  const expected = `${placeOf(row)}: expected a row of an earlier run`
  const { record } = row
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return expected
  const ours = readBackRow(record as Record<string, unknown>)
  if (!ours) return `${expected}, got another meaning of _index, _error or _more`
  // The header of a table shows it.
  const isMarked = isTable || ours.index !== undefined || ours.reason !== undefined
  if (isMarked || results.some((name) => Object.hasOwn(ours.own, name))) return ours
  return `${expected}, with an _index, an _error or a result`
}

/** The columns of a table must be the same, except `_index` and their order. */
function checkHeader(got: readonly string[], { columns, results }: Expected, path: string): void {
  const [first = ''] = columns ?? results
  const needed = columns ?? [...results, ERROR, MORE]
  const missing = needed.filter((name) => name !== INDEX && !got.includes(name))
  const foreign = columns ? got.filter((name) => !columns.includes(name)) : []
  if (missing.length === 0 && foreign.length === 0) return
  const names = (list: readonly string[]) => list.map((name) => JSON.stringify(name)).join(', ')
  const what = [
    ...(missing.length > 0 ? [`there is no column ${names(missing)}`] : []),
    ...(foreign.length > 0 ? [`no run wrote the column ${names(foreign)}`] : []),
  ]
  const isOther = missing.includes(first) && got.length === 1 && got[0]?.includes(first)
  const hint = isOther ? '. Perhaps another program has changed its delimiter' : ''
  throw new UsageError(`${path}:1: ${what.join(', and ')}${hint}. ${whatToDo(path)}`)
}

/** Checks that nothing, or one unfinished row, is behind the rows. */
function checkUnfinished(
  { path, format }: RowFile,
  { end, hasRows }: FileEnd,
  { isOurs }: Expected,
  what: string,
): void {
  const from = unfinishedFrom(path, end, format)
  const begin = from !== undefined && format === 'jsonl' ? bytesOf(path, from, from + 1).toString() : ''
  // JSON of ours begins with `{`. A crash of the system may leave zeros.
  const isTorn = from === undefined ? isBlankFrom(path, end) : ['', '{', '\0'].includes(begin)
  if (!isTorn || !(hasRows || isOurs)) throw new UsageError(`${what}. ${whatToDo(path)}`)
}

function checkEncoding(path: string): void {
  const begin = bytesOf(path, 0, 4)
  const is = (...bytes: number[]) => bytes.every((byte, at) => begin[at] === byte)
  const what = is(0xff, 0xfe) || is(0xfe, 0xff) ? 'UTF-16' : is(0x1f, 0x8b) ? 'compressed' : undefined
  if (what !== undefined)
    throw new UsageError(
      `${path}: expected UTF-8, as a run wrote it, but the file is ${what}. ${whatToDo(path)}`,
    )
}

/** What a person can do about a file that does not read as ours. */
export function whatToDo(path: string): string {
  return `Nothing was changed. Mend the file, or move it away: --overwrite moves it to ${path}.bak`
}

function lineEndAt(path: string, end: number): FileEnd['lineEnd'] {
  return bytesOf(path, Math.max(end - 2, 0), end).toString('latin1') === '\r\n' ? '\r\n' : '\n'
}

function placeOf({ file, line }: Row): string {
  return `${file}:${line}`
}
