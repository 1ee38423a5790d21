import { existsSync, truncateSync } from 'node:fs'
import { readRows, type Format, type Row } from '../../readers/index.ts'
import { UsageError } from '../usage-error.ts'
import { DoneSet } from './done-set.ts'

/** What an output has from earlier runs. */
export interface ReadBack {
  readonly done: DoneSet
  /** Of them: with an `_error`. */
  readonly rejected: number
  /** What its rows consist of; `undefined` without any. */
  readonly columns?: readonly string[]
}

/**
 * Reads what earlier runs have written, and cuts off the end of a line that was not finished.
 *
 * @throws {UsageError} If there is a row in it that no run has written, or a record twice.
 */
export async function readBack(output: string, format: Format): Promise<ReadBack> {
  const done = new DoneSet()
  let rejected = 0
  let columns: readonly string[] | undefined
  await keepWhile(output, format, (row) => {
    const { index, isRejected } = indexOf(row)
    if (!done.add(index)) throw new UsageError(`${row.file}:${row.line}: record ${index} is there twice`)
    if (isRejected) rejected += 1
    columns ??= Object.keys(row.record as object)
    return true
  })
  return { done, rejected, ...(columns ? { columns } : {}) }
}

/** Cuts off what a rejects file has that the output has not: its rows are written first, and both in the same order. */
export async function cutRejects(rejects: string, format: Format, done: DoneSet): Promise<void> {
  if (existsSync(rejects)) await keepWhile(rejects, format, (row) => done.has(indexOf(row).index))
}

/** Reads rows until one is not to be kept or was not finished, and cuts the file off there. */
async function keepWhile(file: string, format: Format, keep: (row: Row) => boolean): Promise<void> {
  let end = 0
  let torn: Row | undefined
  for await (const row of readRows([file], { format, maxRecordBytes: Number.MAX_SAFE_INTEGER })) {
    if (torn)
      throw new UsageError(`${torn.error?.message ?? ''}: no run has written that. --overwrite starts anew`)
    if (row.error ?? !row.terminated) torn = row
    else if (keep(row)) end = row.end
    else break
  }
  truncateSync(file, end)
}

function indexOf({ file, line, record }: Row): { index: number; isRejected: boolean } {
  const { _index, _error } = (record ?? {}) as { _index?: unknown; _error?: unknown }
  const index = typeof _index === 'string' && _index !== '' ? Number(_index) : _index
  if (typeof index === 'number' && Number.isSafeInteger(index) && index >= 0) {
    return { index, isRejected: _error !== undefined && _error !== '' }
  }
  throw new UsageError(
    `${file}:${line}: expected a row of an earlier run, with an _index. --overwrite starts anew`,
  )
}
