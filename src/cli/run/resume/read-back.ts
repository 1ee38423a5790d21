import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { earlierRow, readRows, RowError, type EarlierRow, type Row } from '../../../files/index.ts'
import { UsageError } from '../../flags/usage-error.ts'
import { DoneSet } from './done-set.ts'
import type { OutputFile } from '../output-files.ts'

/** What earlier runs have written to a file. */
export interface ReadBack {
  /** The records that have a row. */
  readonly done: DoneSet
  /** Of them: with an `_error`. */
  readonly rejected: DoneSet
  /** Of a table that has rows. */
  readonly columns: readonly string[] | undefined
  /** Where the last row ends, in bytes. A row that was not finished may be behind it. */
  readonly end: number
}

export function nothing(): ReadBack {
  return { done: new DoneSet(), rejected: new DoneSet(), columns: undefined, end: 0 }
}

const ANEW = '--overwrite starts anew'
/** Where rows are behind it, only a person can tell: what looks like rows may be lines of its text. */
const CUT = 'If it was being written as a run was killed, delete all from there on and run again; otherwise'
/** What to do about rejects that are not this job's, if that is wanted. */
export const REFILLED = 'Another name will do, or delete it: what is rejected in the output is put in anew'

/**
 * Reads what earlier runs have written.
 *
 * @param isOurs A run is known to have written it: it may have been stopped within its first row.
 * @param of Of rejects: the records that are rejected in the output.
 * @throws {UsageError} If there is a row in it that no run has written, or a record twice.
 */
export async function readBack(file: OutputFile, isOurs: boolean, of?: DoneSet): Promise<ReadBack> {
  const done = new DoneSet()
  const rejected = new DoneSet()
  let end = 0
  let columns: readonly string[] | undefined
  /** What is wrong from here on. A row that was not finished may look like several: its text may hold line breaks. */
  let torn: string | undefined
  for await (const row of rowsOf(file)) {
    const ours = readOurs(row)
    if (typeof ours === 'string') {
      torn ??= ours
      continue
    }
    const { index, reason } = ours
    // Rows behind it: so it is not the end that was not finished.
    if (torn !== undefined) throw new UsageError(`${torn}. ${CUT}, ${ANEW}`)
    const place = `${file.path}:${row.line}`
    if (of && !of.has(index)) {
      throw new UsageError(
        `${place}: record ${index} is not one that was rejected in the output. ${REFILLED}`,
      )
    }
    if (!done.add(index)) throw new UsageError(`${place}: record ${index} is there twice. ${ANEW}`)
    if (reason) rejected.add(index)
    columns ??= row.error ? undefined : row.columns
    end = row.end
  }
  // Without a row only what a run has begun is cut off, and a line that is whole is none that was begun.
  const isBegun = isOurs && !(file.format === 'jsonl' && endsWithLine(file.path))
  if (end === 0 && torn !== undefined && !isBegun) throw new UsageError(`${torn}. ${ANEW}`)
  if (end === 0 && !isOurs) throw new UsageError(`${file.path}: there is no row of an earlier run. ${ANEW}`)
  return { done, rejected, columns, end }
}

/** The rows of an output that were rejected and that `known` does not have, as they were written. */
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
    // Unless the header itself was not finished, and nothing is behind it.
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

/** A row of an earlier run, or why it is none. */
function readOurs(row: Row): EarlierRow | string {
  if (row.error) return row.error.message
  const place = `${row.file}:${row.line}`
  if (!row.terminated) return `${place}: expected a line end`
  const ours = earlierRow((row.record ?? {}) as Record<string, unknown>)
  return ours ?? `${place}: expected a row of an earlier run, with an _index`
}
