import type { Command } from 'commander'
import { flag } from '../flags/flags.ts'
import type { Perform } from '../io.ts'
import type { ErrorsFlags } from './flags.ts'

export function addErrors(program: Command, perform: Perform): void {
  program
    .command('errors')
    .summary('show why records of a run were rejected, and what to do')
    .description(
      `Reads outputs or rejects files of run, and groups their rejected rows by reason, the most frequent first. Shows three examples of each reason, with what the model wrote instead of a result, and what to do. Changes no file.`,
    )
    .argument('<files...>', 'outputs or rejects files, or globs in quotes; - is standard input')
    .addOption(
      flag(
        '--format <format>',
        'format of the files (default: by the file name; standard input: jsonl)',
      ).choices([...['jsonl', 'json', 'csv', 'tsv', 'parquet']]),
    )
    .addOption(flag('--json', 'print the groups as JSON'))
    .addHelpText('after', `\nExample:\n  llm-pack-stream errors results.jsonl`)
    .action((files: string[], flags: ErrorsFlags) =>
      perform(async (io) => {
        const { errors } = await import('./action.ts')
        return errors(files, flags, io)
      }),
    )
}
