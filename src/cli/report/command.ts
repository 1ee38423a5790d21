import type { Command } from 'commander'
import { formats } from '../../files/index.ts'
import { flag } from '../flags/flags.ts'
import type { Perform } from '../io.ts'
import type { ReportFlags } from './flags.ts'

export function addReport(program: Command, perform: Perform): void {
  program
    .command('report')
    .summary('make a page of charts and tables about the output of a run')
    .description(
      `Reads the output of run, and writes one HTML page about it: shares of the results, rejected records, a sample, and the speed, tokens and cost of the runs. The page needs no network, and has no script.`,
    )
    .argument('<output>', 'output of run')
    .addOption(
      flag('-o, --output <file>', 'page to write (default: the name of the output, followed by .html)'),
    )
    .addOption(flag('--format <format>', 'format of the output, if its name does not tell').choices(formats))
    .addHelpText(
      'after',
      `
Example:
  llm-pack-stream report results.jsonl -o results.html`,
    )
    .action((output: string, flags: ReportFlags) =>
      perform(async (io) => {
        const { report } = await import('./action.ts')
        return report(output, flags, io)
      }),
    )
}
