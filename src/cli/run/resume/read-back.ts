import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { earlierRow, readRows, RowError, type EarlierRow, type Row } from '../../../files/index.ts'
import { UsageError } from '../../flags/usage-error.ts'
import { DoneSet } from './done-set.ts'
import type { OutputFile } from '../output-files.ts'

/** The rows that earlier runs wrote to a file. */
export interface ReadBack {
  /** Records with a row. */
  readonly done: DoneSet
  /** Records with a row that has an `_error`. */
  readonly rejected: DoneSet
  /** The columns of a table that has rows. */
  readonly columns: readonly string[] | undefined
  /** End of the last row, in bytes. An unfinished row may be behind it. */
  readonly end: number
}

export function nothing(): ReadBack {
  return { done: new DoneSet(), rejected: new DoneSet(), columns: undefined, end: 0 }
}

const ANEW = '--overwrite replaces it'
/** If rows follow, only a person can decide: they may be lines of a text in the broken row. */
const CUT =
  'If a run was killed while it wrote this row, delete everything from there on and run again; otherwise'
/** What to do about rejects of another job. */
export const REFILLED =
  'Choose another name, or delete the file: the run copies the rejected records of the output to it'

/**
 * Reads the rows that earlier runs wrote.
 *
 * @param isOurs Whether a run is known to have written the file. It may have stopped within its
 *   first row.
 * @param of For rejects: the rejected records of the output.
 * @throws {UsageError} If the file has a row that no run wrote, or a record twice.
 */
export async function readBack(file: OutputFile, isOurs: boolean, of?: DoneSet): Promise<ReadBack> {
  const done = new DoneSet()
  const rejected = new DoneSet()
  let end = 0
  let columns: readonly string[] | undefined
  /**
   * The first problem. An unfinished row may look like several rows, because its text may have line
   * breaks.
   */
  let torn: string | undefined
  for await (const row of rowsOf(file)) {
    const ours = readOurs(row)
    if (typeof ours === 'string') {
      torn ??= ours
      continue
    }
    const { index, reason } = ours
    // A good row follows, so the problem is not an unfinished end.
    if (torn !== undefined) throw new UsageError(`${torn}. ${CUT}, ${ANEW}`)
    const place = `${file.path}:${row.line}`
    if (of && !of.has(index)) {
      throw new UsageError(`${place}: record ${index} was not rejected in the output. ${REFILLED}`)
    }
    if (!done.add(index)) throw new UsageError(`${place}: record ${index} is there twice. ${ANEW}`)
    if (reason) rejected.add(index)
    columns ??= row.error ? undefined : row.columns
    end = row.end
  }
  // Without a good row, the run may cut off only an unfinished row. A whole line is not unfinished.
  const isBegun = isOurs && !(file.format === 'jsonl' && endsWithLine(file.path))
  if (end === 0 && torn !== undefined && !isBegun) throw new UsageError(`${torn}. ${ANEW}`)
  if (end === 0 && !isOurs) throw new UsageError(`${file.path}: there is no row of an earlier run. ${ANEW}`)
  return { done, rejected, columns, end }
}

/** The rejected rows of an output that `known` does not have. */
export async function* rejectedRows(file: OutputFile, known: DoneSet): AsyncGenerator<EarlierRow> {
  for await (const row of rowsOf(file)) {
    const ours = readOurs(row)
    if (typeof ours !== 'string' && ours.reason && !known.has(ours.index)) yield ours
  }
}

async function* rowsOf({ path, format }: OutputFile): AsyncGenerator<Row> {
  try {
    yield* readRows([path], { format, maxRecordBytes: Number.MAX_SAFE_INTEGER, exactNumbers: true })
  } catch (error) {
    const isHeader = error instanceof RowError && error.code === 'invalid_header'
    if (!isHeader) throw error
    // Only a header without a line end may be unfinished.
    if (endsWithLine(path)) throw new UsageError(`${error.message}. ${ANEW}`)
  }
}

function endsWithLine(path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const last = Buffer.alloc(1)
    readSync(file, last, 0, 1, Math.max(fstatSync(file).size - 1, 0))
    return last.toString() === '\n'
  } finally {
    closeSync(file)
  }
}

/** A row of an earlier run, or why it is not a row of an earlier run. */
function readOurs(row: Row): EarlierRow | string {
  if (row.error) return row.error.message
  const place = `${row.file}:${row.line}`
  if (!row.terminated) return `${place}: expected a line end`
  const ours = earlierRow((row.record ?? {}) as Record<string, unknown>)
  return ours ?? `${place}: expected a row of an earlier run, with an _index`
}
