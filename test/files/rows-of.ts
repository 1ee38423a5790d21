import { FileRows } from '../../src/files/read/file-rows.ts'
import type { RowsOptions } from '../../src/files/read/rows.ts'
import type { Row, TextFormat } from 'llm-pack-stream/readers'

/**
 * Returns all rows of some bytes that come in pieces with these ends, and the error that ended the
 * reading early.
 */
export function readAll(
  format: TextFormat,
  bytes: string | Uint8Array,
  { cuts = [], ...options }: Partial<RowsOptions> & { cuts?: readonly number[] } = {},
): { rows: Row[]; error?: Error } {
  const whole = Buffer.from(bytes as Uint8Array)
  const reader = new FileRows(format, { file: 'f', maxRecordBytes: 4 * 1024 * 1024, ...options })
  const places = [...cuts, whole.length].sort((a, b) => a - b)
  const rows: Row[] = []
  let from = 0
  try {
    for (const to of places) {
      // A copy, so that a reader cannot use bytes behind its piece.
      for (const some of reader.read(Buffer.from(whole.subarray(from, to)))) rows.push(...some)
      from = to
    }
    for (const some of reader.end()) rows.push(...some)
    return { rows }
  } catch (error) {
    return { rows, error: error as Error }
  }
}

export function rowsOf(...args: Parameters<typeof readAll>): Row[] {
  const { rows, error } = readAll(...args)
  if (error !== undefined) throw error
  return rows
}

/** Shortens a row: `line: value` or `line: code raw`. */
export function short(row: Row): string {
  if (!row.error) return `${row.line}: ${JSON.stringify(row.record)}`
  const raw =
    typeof row.raw === 'string'
      ? JSON.stringify(row.raw)
      : row.raw && `<${Buffer.from(row.raw).toString('hex')}>`
  return `${row.line}: ${row.error.code} ${raw ?? 'nothing'}`
}

/** All of a row that must not depend on how the bytes are cut. */
export const whole = (row: Row) => ({
  line: row.line,
  end: row.end,
  terminated: row.terminated,
  error: row.error?.message,
  short: short(row),
})

export const shortOf = (...args: Parameters<typeof rowsOf>): string[] => rowsOf(...args).map(short)

export const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)))
