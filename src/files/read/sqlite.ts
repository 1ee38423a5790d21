import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { importSqlite } from '../../base/import-sqlite.ts'
import { FileError, MOST_ROWS, type Row } from '../row.ts'
import { columnNames } from './column-names.ts'
import { exactNumber } from './exact-number.ts'
import { unreadable } from './file-bytes.ts'
import { tableRow, type TableBatch, type TableOptions } from './table.ts'

/** Another program may write for a moment, and keep a lock. */
const BUSY_WAIT_MS = 5_000
/** SQLITE_BUSY. The bits above these eight say more. */
const [BUSY, CODE_BITS] = [5, 0xff]

/** Splits `sqlite:FILE?query=SELECT ...`. The file and the query stand there as they are. */
function sqliteSource(source: string): { file: string; query: string } | undefined {
  const [, file, query] = /^sqlite:(.+?)\?query=(.*\S.*)$/s.exec(source) ?? []
  return file === undefined || query === undefined ? undefined : { file, query }
}

/** Whether a name is a source of rows and no file: `sqlite:FILE?query=SELECT ...`. */
export function isSource(name: string): boolean {
  return sqliteSource(name) !== undefined
}

/** The rows of a query. SQLite makes a row when it is read, so the result may have any size. */
export async function* readSqlite(
  source: string,
  { exactNumbers = false }: TableOptions,
): AsyncGenerator<TableBatch, void> {
  const parts = sqliteSource(source)
  if (!parts) throw new FileError('cannot_read', source, 'expected sqlite:FILE?query=SELECT ...')
  const name = `sqlite:${parts.file}`
  const { DatabaseSync } = await sqliteFor(name)
  try {
    // SQLite's own message does not say why.
    statSync(parts.file)
  } catch (error) {
    throw unreadable(name, error)
  }
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(parts.file, { readOnly: true, timeout: BUSY_WAIT_MS })
    const statement = database.prepare(parts.query)
    const columns = columnNames(statement.columns().map((column) => column.name))
    if (columns.length === 0) throw new Error('expected a query with a result, such as SELECT')
    statement.setReadBigInts(true)
    // An object would lose the first of two columns with the same name.
    statement.setReturnArrays(true)
    let rows: Row[] = []
    let line = 0
    for (const values of statement.iterate() as Iterable<unknown[]>) {
      line += 1
      rows.push(tableRow(name, line, columns, (column) => jsonOf(values[column], exactNumbers)))
      if (rows.length < MOST_ROWS) continue
      yield { rows, columns, bytes: 0 }
      rows = []
    }
    yield { rows, columns, bytes: 0 }
  } catch (error) {
    throw new FileError('cannot_read', name, whyOf(error as Error), error)
  } finally {
    database?.close()
  }
}

function whyOf(error: Error & { errcode?: number }): string {
  if (error.errcode === undefined || (error.errcode & CODE_BITS) !== BUSY) return error.message
  const locked = `another program keeps it locked, also after ${BUSY_WAIT_MS / 1_000} s`
  return `${locked}: read it when the other program has ended, or read a copy`
}

/** Integers stay exact. A blob becomes base64. */
function jsonOf(value: unknown, isExact: boolean): unknown {
  if (typeof value === 'bigint') {
    const nearest = Number(value)
    return isExact ? exactNumber(String(value), nearest) : nearest
  }
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
}

/** @throws {FileError} If this Node.js has no SQLite, or an older one. */
async function sqliteFor(name: string): Promise<typeof import('node:sqlite')> {
  const sqlite = await importSqlite()
  // This method, which came with `columns`, is missing in older versions.
  if (sqlite && 'setReturnArrays' in sqlite.StatementSync.prototype) return sqlite
  throw new FileError('cannot_read', name, `it needs Node.js 22.16 or newer, this is ${process.version}`)
}
