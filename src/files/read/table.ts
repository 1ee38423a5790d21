import { statSync } from 'node:fs'
import type { GoodRow, Row } from '../row.ts'
import { FileError } from '../row.ts'
import { setOwn } from '../set-own.ts'

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
