import { statSync } from 'node:fs'
import { FileError, RowError, type GoodRow, type Row } from '../row.ts'
import { setOwn } from '../set-own.ts'
import { tooLongWords } from './span-row.ts'

/** The next rows of a table, and the place in its file. */
export interface TableBatch {
  readonly rows: readonly Row[]
  readonly columns: readonly string[] | undefined
  /** Bytes on the disk up to these rows. It is an estimate. */
  readonly bytes: number
}

export interface TableOptions {
  /** Keeps numbers exact that JavaScript can't hold. */
  readonly exactNumbers?: boolean | undefined
  /** XLSX: the name of the sheet. */
  readonly sheet?: string | undefined
  /** Gets a word about what is not read. */
  readonly onNote?: ((note: string) => void) | undefined
}

/**
 * A row of a table, with the columns that have a value. Its file has no lines, so `line` is the
 * number of the row.
 */
export function tableRow(
  file: string,
  line: number,
  columns: readonly string[],
  valueOf: (column: number) => unknown,
): GoodRow {
  const record: Record<string, unknown> = {}
  for (const [at, name] of columns.entries()) {
    const value = valueOf(at)
    if (value === undefined) continue
    if (name === '__proto__') setOwn(record, name, value)
    else record[name] = value
  }
  return { file, line, record, columns, end: 0, terminated: true }
}

/** The row, or a bad row if it is too long. The size of a record is that of its JSON. */
export function withinLimit(row: Row, maxBytes: number): Row {
  const size = row.error
    ? Buffer.byteLength(row.raw ?? '')
    : sizeOfJson(row.record as Record<string, unknown>, maxBytes)
  if (size <= maxBytes) return row
  const { file, line, end, terminated } = row
  const error = new RowError('too_long', file, line, tooLongWords(maxBytes, size, 1))
  return { file, line, error, raw: undefined, end, terminated }
}

/** The bytes of the JSON of a record. Below the limit, it may be a larger number. */
function sizeOfJson(record: Readonly<Record<string, unknown>>, limit: number): number {
  let most = 2
  // Much cheaper than `Object.entries` or `JSON.stringify`.
  for (const name in record) {
    const value = record[name]
    const length = typeof value === 'string' ? value.length : 24
    // A character takes at most six bytes: \u0000.
    most += typeof value === 'object' && value !== null ? Infinity : 6 * (name.length + length + 1)
  }
  return most <= limit ? most : Buffer.byteLength(JSON.stringify(record))
}

/**
 * The size of a file on the disk.
 *
 * @throws {FileError} For a pipe: these formats need a file, because they have an index.
 */
export function sizeOnDisk(file: string, format: string): number {
  const stats = file === '-' ? undefined : statSync(file, { throwIfNoEntry: false })
  if (stats?.isFile() || stats?.isDirectory() || (!stats && file !== '-')) return stats?.size ?? 0
  const what = `${format} can't be read from a pipe, because its index is at its end: save it as a file first`
  throw new FileError('cannot_read', file, what)
}

/** Loads an optional package. Without the package, the error has the command to install it. */
export async function load<T>(name: string, importing: Promise<T>, file: string, format: string): Promise<T> {
  return importing.catch((cause: unknown) => {
    const what = `${format} needs the package ${name}: npm install ${name}`
    throw new FileError('missing_package', file, what, cause)
  })
}
