import { existsSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { FileError, formatOf, RowError } from '../../files/index.ts'
import { exitCodes, UsageError } from '../flags/usage-error.ts'
import type { Io } from '../io.ts'
import { keptRuns, resultColumnsOf } from '../page/kept-runs.ts'
import { checkPageFile, writePageFile } from '../page/page-file.ts'
import { makePage } from '../page/page.ts'
import { readContents } from '../page/read-contents.ts'
import { rowsFileOf } from '../rows/journal.ts'
import { version } from '../version.ts'
import type { ReportFlags } from './flags.ts'

/** Returns the exit code. */
export async function report(
  output: string,
  { output: page = `${output}.html`, format }: ReportFlags,
  io: Io,
): Promise<number> {
  if (!rowsFileOf(output, format).isJournal) {
    if (!existsSync(output)) throw new UsageError(`${output}: there is no such file`)
    if (!statSync(output).isFile()) throw new UsageError(`${output} is not a file`)
  }
  if (format === undefined && formatOf(output).format === undefined) {
    throw new UsageError(`Expected --format: the name of ${output} does not tell`)
  }
  checkPageFile(page, '--output')
  const kept = keptRuns(output)
  const contents = await readContents(output, format, resultColumnsOf(kept)).catch((error: unknown) => {
    throw error instanceof RowError || error instanceof FileError ? new UsageError(error.message) : error
  })
  const data = { name: basename(output), madeAt: new Date(), version, ...kept, contents }
  writePageFile(page, await makePage(data))
  io.stdout.write(`${page}\n`)
  return exitCodes.fulfilled
}
