import { basename } from 'node:path'
import { UsageError } from '../flags/usage-error.ts'
import { say, type Io } from '../io.ts'
import type { RunRecord } from '../measure/run-record.ts'
import { Contents } from '../page/contents.ts'
import { keptRuns, resultColumnsOf } from '../page/kept-runs.ts'
import { checkPageFile, writePageFile } from '../page/page-file.ts'
import { makePage, type PageData } from '../page/page.ts'
import { readContents, resultRow } from '../page/read-contents.ts'
import { outputRow } from '../rows/output-row.ts'
import type { ResultColumns } from '../rows/result-columns.ts'
import { version } from '../version.ts'
import type { RunFlags } from './flags.ts'
import { real, type OutputFile } from './output-files.ts'
import type { Output } from './output/output.ts'

/** Checks the flag `--report`, before the run sends anything. */
export function checkReport({ report, output, rejects, cache }: RunFlags): void {
  if (report === undefined) return
  for (const [option, file] of Object.entries({
    '--output': output,
    '--rejects': rejects,
    '--cache': cache,
  })) {
    if (file !== undefined && real(file) === real(report)) {
      throw new UsageError(`--report: ${report} is the file of ${option} too`)
    }
  }
  checkPageFile(report, '--report')
}

/** An output whose rows a page counts as well. */
export function alsoIn(contents: Contents, output: Output, result: ResultColumns): Output {
  return {
    ...output,
    write(outcome) {
      contents.add(resultRow(outputRow(outcome, result)))
      return output.write(outcome)
    },
  }
}

/**
 * Writes the page of `--report`. The run is over, so a failure is only a message.
 *
 * @param contents The rows of this run, if the output cannot be read back.
 */
export async function writeReport(
  path: string,
  record: RunRecord,
  output: OutputFile | undefined,
  contents: Contents | undefined,
  io: Io,
): Promise<void> {
  try {
    writePageFile(path, await makePage(await dataOf(record, output, contents)))
    if (io.stderr.isTTY) say(io, `The report is ${path}.`)
  } catch (error) {
    const results = output ? ` The results are safe in ${output.path}.` : ''
    say(io, `The report ${path} could not be written: ${(error as Error).message}.${results}`)
  }
}

async function dataOf(
  record: RunRecord,
  output: OutputFile | undefined,
  contents: Contents | undefined,
): Promise<PageData> {
  const page = { madeAt: new Date(), version }
  if (contents || !output) {
    const name = output ? basename(output.path) : 'standard output'
    return { ...page, name, runs: [record], contents: contents ?? new Contents([]), notes: [] }
  }
  const kept = keptRuns(output.path)
  const rows = await readContents(output.path, output.format, resultColumnsOf(kept))
  // The file keeps no text of the task. The command of this run has them.
  const runs = [...kept.runs.slice(0, -1), record]
  return { ...page, ...kept, runs, name: basename(output.path), contents: rows }
}
