import type { RunFlags } from './command.ts'
import type { Halt } from './flow.ts'
import { isFile } from './output-files.ts'
import { count } from './progress.ts'
import { formatSummary, type Summary } from './summary.ts'

/** Says how a run ended: to a person, to a machine if it asked, and to nobody where all went well in a pipe. */
export function report(summary: Summary, halt: Halt | undefined, isStdin: boolean, flags: RunFlags): void {
  const { json, output } = flags
  const { stderr, stdout } = process
  if (halt && halt.message !== '') console.error(halt.message)
  if (halt?.isOfServer) console.error(`The server is ${summary.server}.`)
  if (json) (output === undefined ? stderr : stdout).write(`${JSON.stringify(summary)}\n`)
  else if (stderr.isTTY) console.error(formatSummary(summary))
  else if (summary.records.rejected > 0 && !halt) {
    const { records, firstRejection } = summary
    console.error(`${count(records.rejected)} of ${count(records.done)} records were rejected.`)
    if (firstRejection !== undefined) console.error(`The first: ${firstRejection}`)
  }
  if (halt && halt.message !== '' && output !== undefined && isFile(output)) {
    console.error(`${output} has ${count(summary.records.done)} records. ${howToGoOn(isStdin, flags)}`)
  }
}

function howToGoOn(isStdin: boolean, { overwrite, force }: RunFlags): string {
  if (overwrite) return 'Run the same command without --overwrite to go on.'
  if (isStdin && !force) return 'Run the same command with --force to go on: the input must be the same.'
  return 'Run the same command again to go on.'
}
