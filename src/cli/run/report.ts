import type { RunFlags } from './flags.ts'
import { say, type Io } from '../io.ts'
import type { Halt } from './flow.ts'
import { isFile } from './output-files.ts'
import { whole } from '../terminal/words.ts'
import { formatSummary, type Summary } from './summary.ts'

/**
 * Reports how a run ended: to a person, or as JSON. With `--quiet`, a run without problems reports
 * nothing.
 */
export function report(summary: Summary, halt: Halt | undefined, flags: RunFlags, io: Io): void {
  const { json, output, quiet } = flags
  const { stderr, stdout } = io
  if (halt && halt.message !== '') say(io, halt.message)
  if (halt?.blame === 'server') say(io, `The server is ${summary.server}.`)
  if (json) (output === undefined ? stderr : stdout).write(`${JSON.stringify(summary)}\n`)
  // The reader of standard output wanted no more.
  else if (halt?.message === '') return
  else if (!quiet) say(io, formatSummary(summary))
  else if (summary.records.rejected > 0 && !halt) {
    const { records, firstRejection } = summary
    say(io, `${whole(records.rejected)} of ${whole(records.done)} records were rejected.`)
    if (firstRejection !== undefined) say(io, `The first: ${firstRejection}`)
  }
  if (halt && halt.message !== '' && output !== undefined && isFile(output)) {
    const { done } = summary.records
    say(io, `${output} has ${whole(done)} ${done === 1 ? 'record' : 'records'}. ${howToGoOn(halt, flags)}`)
  }
}

function howToGoOn({ blame }: Halt, { overwrite }: RunFlags): string {
  const mend = blame === 'input' ? 'Mend the input, and run' : 'Run'
  return `${mend} the same command ${overwrite ? 'without --overwrite' : 'again'} to go on.`
}
