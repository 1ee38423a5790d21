import { basename } from 'node:path'
import type { EvalReport } from '../../eval/index.ts'
import { say, type Io } from '../io.ts'
import { commandLine } from '../page/command-line.ts'
import { writePageFile } from '../page/page-file.ts'
import { version } from '../version.ts'
import type { EvalFlags } from './flags.ts'
import { makeEvalPage } from './page.ts'
import type { Prepared } from './prepare.ts'
import { formatReport, widthOf } from './show.ts'

/** The arguments of the eval, and of a run with packs of a size. */
export interface Commands {
  readonly argv: readonly string[]
  readonly runWith: (size: number) => readonly string[]
}

/** Prints the report, and writes its page. */
export async function tellReport(
  report: EvalReport,
  { job, server }: Prepared & { readonly server: string },
  { argv, runWith }: Commands,
  { json, quiet, report: path }: EvalFlags,
  io: Io,
): Promise<void> {
  const { stdout, env } = io
  const { kind, size, sentences } = report.recommendation
  const use = kind === 'unclear' ? '' : commandLine(runWith(size), env)
  const command = commandLine(argv, env)
  if (json) stdout.write(`${JSON.stringify({ ...report, server, use })}\n`)
  else if (quiet) stdout.write(`${[...sentences, use].join('\n').trim()}\n`)
  else stdout.write(`${formatReport(report, use, widthOf(stdout)).trim()}\n`)
  if (path === undefined) return
  try {
    const name = job.files.map((file) => (file === '-' ? 'standard input' : basename(file))).join(', ')
    const page = { name, report, use, command, server, madeAt: new Date(), version }
    writePageFile(path, await makeEvalPage(page))
    if (io.stderr.isTTY) say(io, `The page is ${path}.`)
  } catch (error) {
    // The eval is over, so a failure is only a message.
    say(io, `The page ${path} could not be written: ${(error as Error).message}.`)
  }
}
