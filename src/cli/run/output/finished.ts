import { createHash } from 'node:crypto'
import { createReadStream, rmSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { jsonlLine, jsonlToParquet, checkParquetWriter, readBackRow, readRows } from '../../../files/index.ts'
import { UsageError } from '../../flags/usage-error.ts'
import { rowHash } from '../../rows/identity.ts'
import { hasContent, hasJournal, type OutputFile } from '../output-files.ts'
import { Draft } from '../resume/draft.ts'
import { HashCounts } from '../resume/hash-counts.ts'
import { readRowsOf } from '../resume/read-back.ts'
import { replacedPath } from '../resume/replace.ts'

/*
 * A JSON array or a Parquet file has an end, so that a run cannot extend it. The run keeps the rows
 * in a journal beside it, as JSON lines, and makes the file of the journal when it ends.
 */

/** The journal of a file, before the run. */
export interface Journal {
  /** The hash of the file, if there is one. */
  readonly finished: string | undefined
  /** Removes the journal, if it is new: the run can't continue the file. Mends the error. */
  readonly giveUp: (error: Error) => Error
}

/**
 * Makes the journal of a file that an earlier run finished. A kill leaves the whole journal, or
 * none.
 *
 * @throws {UsageError} If the file can't be read as a whole, or a package is absent.
 */
export async function openJournal(file: OutputFile | undefined): Promise<Journal> {
  const none: Journal = { finished: undefined, giveUp: (error) => error }
  if (!file || !hasJournal(file)) return none
  const { path, format, rows: journal } = file
  let finished: string | undefined
  try {
    // Without the package, the run would have no way to end.
    if (format === 'parquet') await checkParquetWriter(path)
    if (!hasContent(path)) return none
    finished = await hashOf(path)
    if (hasContent(journal.path)) {
      await checkKept(file)
      return { ...none, finished }
    }
    await writeWhole(journal.path, linesOf(path, format))
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
  return {
    finished,
    giveUp(error) {
      rmSync(journal.path, { force: true })
      const { message } = error
      if (!(error instanceof UsageError)) return error
      // A row of the journal is a row of the file, but on another line.
      const named = message.replaceAll(`${journal.path}:`, `${path}, row `).replaceAll(journal.path, path)
      return new UsageError(named, { cause: error })
    },
  }
}

/**
 * Checks that the rows of an unfinished run have all rows of the finished file, which they will
 * replace. A person may have changed the file since.
 *
 * @throws {UsageError} If a row would be lost.
 */
async function checkKept({ path, format, rows: journal }: OutputFile): Promise<void> {
  const rows = new HashCounts()
  const replaced = { ...journal, path: replacedPath(journal) }
  for (const file of [journal, replaced].filter((one) => hasContent(one.path))) {
    for await (const row of readRowsOf(file)) rows.add(rowHash(row))
  }
  let number = 0
  for await (const row of readRows([path], readingOf(format))) {
    number += 1
    const ours = row.error ? undefined : readBackRow((row.record ?? {}) as Record<string, unknown>)
    // A rejected row may have gone. It has nothing that was paid for.
    if (ours && (ours.reason || rows.take(rowHash(ours)))) continue
    throw new UsageError(
      `${path}, row ${number}: ${path}.run.jsonl, which has the rows of a run that did not end, lacks ` +
        'this row, and this run would replace the file. Nothing was changed. ' +
        `Move ${path} to another name, and the next run makes it again`,
    )
  }
}

const readingOf = (format: OutputFile['format']) => ({
  ...{ format, exactNumbers: true, maxRecordBytes: Number.MAX_SAFE_INTEGER },
})

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function* linesOf(path: string, format: OutputFile['format']): AsyncGenerator<string> {
  for await (const row of readRows([path], readingOf(format))) {
    if (row.error) throw row.error
    yield jsonlLine(row.record)
  }
}

/**
 * Makes the file of its journal.
 *
 * @param columns The columns that stand first in a table.
 * @param finished The hash of the file before the run.
 * @throws {UsageError} If a person has changed the file since, and a row would be lost.
 */
export async function finishFile(
  file: OutputFile | undefined,
  columns: readonly string[],
  finished: string | undefined,
): Promise<void> {
  if (!file || !hasJournal(file)) return
  const { path, format, rows: journal } = file
  const isChanged = hasContent(path) && (await hashOf(path)) !== finished
  if (isChanged) await checkKept(file)
  if (format === 'parquet') await writeParquet(path, journal.path, columns)
  else await writeWhole(path, arrayOf(journal.path))
  rmSync(journal.path)
}

async function* arrayOf(journal: string): AsyncGenerator<string> {
  let before = '[\n'
  const options = { format: 'lines', maxRecordBytes: Number.MAX_SAFE_INTEGER } as const
  for await (const row of readRows([journal], options)) {
    if (row.error) throw row.error
    // A full disk has cut it. The next run mends the journal.
    if (!row.terminated) throw new Error(`${journal}:${row.line} has no line end`)
    yield `${before}${row.record as string}`
    before = ',\n'
  }
  yield before === ',\n' ? '\n]\n' : '[]\n'
}

const WRITE_CHARACTERS = 64 * 1024

async function writeWhole(path: string, texts: AsyncIterable<string>): Promise<void> {
  const file = new Draft(path)
  try {
    let waiting = ''
    for await (const text of texts) {
      waiting += text
      if (waiting.length < WRITE_CHARACTERS) continue
      file.write(waiting)
      waiting = ''
    }
    file.write(waiting)
    file.replace()
  } finally {
    file.discard()
  }
}

async function writeParquet(path: string, journal: string, columns: readonly string[]): Promise<void> {
  const file = new Draft(path)
  try {
    await jsonlToParquet(journal, file.path, { columns })
    file.replace()
  } finally {
    file.discard()
  }
}
