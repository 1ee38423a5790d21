import { truncateSync } from 'node:fs'
import { readRows, type Row } from '../../readers/index.ts'
import { UsageError } from '../usage-error.ts'
import { DoneSet } from './done-set.ts'
import type { OutputFile } from './output-files.ts'

/** What earlier runs have written to a file. */
export interface ReadBack {
  /** The records that have a row. */
  readonly done: DoneSet
  /** Of them: with an `_error`. */
  readonly rejected: number
  /** What its rows consist of; `undefined` without any. */
  readonly columns: readonly string[] | undefined
}

export const nothing = (): ReadBack => ({ done: new DoneSet(), rejected: 0, columns: undefined })

/**
 * Reads what earlier runs have written, and cuts off the end of a line that was not finished, or all from the first row on
 * that is not to be kept.
 *
 * @throws {UsageError} If there is a row in it that no run has written, or a record twice.
 */
export async function readBack(
  file: OutputFile,
  isKept: (index: number) => boolean = () => true,
): Promise<ReadBack> {
  const done = new DoneSet()
  let [end, rejected] = [0, 0]
  let columns: readonly string[] | undefined
  let torn: Row | undefined
  for await (const row of rowsOf(file)) {
    if (torn) {
      const what = torn.error?.message ?? `${torn.file}:${torn.line}: expected a line end`
      throw new UsageError(`${what}, as every run writes it. --overwrite starts anew`)
    }
    if (row.error ?? !row.terminated) {
      torn = row
      continue
    }
    const { index, isRejected } = readIndex(row)
    if (!isKept(index)) break
    if (!done.add(index)) throw new UsageError(`${row.file}:${row.line}: record ${index} is there twice`)
    if (isRejected) rejected += 1
    columns ??= (row.error ? undefined : row.columns) ?? Object.keys(row.record as object)
    end = row.end
  }
  truncateSync(file.path, end)
  return { done, rejected, columns }
}

/** The rows of an output that were rejected and that `known` does not have, as they were written. */
export async function* rejectedRows(
  file: OutputFile,
  known: DoneSet,
): AsyncGenerator<Record<string, unknown>> {
  for await (const row of rowsOf(file)) {
    const { index, isRejected } = readIndex(row)
    if (isRejected && !known.has(index)) yield row.record as Record<string, unknown>
  }
}

function rowsOf({ path, format }: OutputFile): AsyncIterable<Row> {
  return readRows([path], { format, maxRecordBytes: Number.MAX_SAFE_INTEGER, exactNumbers: true })
}

function readIndex({ file, line, record }: Row): { index: number; isRejected: boolean } {
  const { _index, _error } = (record ?? {}) as { _index?: unknown; _error?: unknown }
  const index = typeof _index === 'string' && _index !== '' ? Number(_index) : _index
  if (typeof index === 'number' && Number.isSafeInteger(index) && index >= 0) {
    return { index, isRejected: _error !== undefined && _error !== '' }
  }
  throw new UsageError(
    `${file}:${line}: expected a row of an earlier run, with an _index. --overwrite starts anew`,
  )
}
