import type { Command } from 'commander'
import { withConfig } from '../flags/config.ts'
import type { Perform } from '../io.ts'
import {
  addGroup,
  addJobFlags,
  addTrialFlags,
  flag,
  numberFlag,
  sampleFiles,
  sendingFlags,
} from '../flags/flags.ts'
import { defaults } from '../../options/index.ts'

export function addRun(program: Command, perform: Perform): void {
  const command = program
    .command('run')
    .summary('send the records of files through a model')
    .description(
      `Sends the records of files through a model, many in each request, and writes each with its result as soon as it is there. Run the same command again after a Ctrl-C or a crash, and it goes on where it stopped.

Input: JSON lines, a JSON array, CSV or TSV with a header, or plain lines; .gz and .zst of each; - is standard input.
Output: the record's own columns, the result's, _index (position in the input, from 0) and, if it was rejected, _error.`,
    )
    .argument('[files...]', 'input files, or globs in quotes (default: standard input)')
  addJobFlags(command, {
    maxPackRecords: `records in one request (default: ${defaults.maxPackRecords})`,
    rpm: "what the server's headers say",
    countTokens: 'count tokens exactly, by this vocabulary (needs gpt-tokenizer)',
  })
  addGroup(command, 'Output:', [
    flag('-o, --output <file>', '.jsonl, .csv or .tsv (default: JSON lines on standard output)'),
    flag('--output-format <format>', 'where the name does not tell').choices(['jsonl', 'csv', 'tsv']),
    flag('--rejects <file>', 'rejected records and bad rows go here too: an input for another run'),
    flag('--ordered', 'in input order, instead of as they come'),
    flag('--strict', 'stop at the first bad row'),
    flag('--force', 'go on with an output although the input or what is asked has changed'),
    flag('--overwrite', 'start anew, in place of what is there'),
    flag('--json', 'a summary for machines: on standard output, or on standard error if records go there'),
    flag('--no-progress', 'no line that tells how far it is'),
  ])
  addGroup(command, 'How it is sent:', [
    ...sendingFlags(),
    numberFlag(
      '--high-water-mark <number>',
      'records and outcomes that the stream buffers, each (default: 16)',
    ),
    numberFlag('--writable-high-water-mark <number>', 'records that it buffers (default: 16)'),
    numberFlag('--readable-high-water-mark <number>', 'outcomes that it buffers (default: 16)'),
  ])
  addTrialFlags(command)
  command
    .addHelpText(
      'after',
      `
Example, without a key:
${sampleFiles}
  llm-pack-stream run tickets.csv --field text --labels labels.txt --instructions prompt.md \\
    --model gpt-4o-mini -o results.jsonl --rejects rejects.jsonl --simulate

Exit codes:
  0 all fulfilled, 1 some rejected, 2 the options cannot be used, 3 it had to stop, 130 Ctrl-C, 143 SIGTERM`,
    )
    .action((files: string[]) =>
      perform(async (io) => {
        const { run } = await import('./action.ts')
        return run(withConfig(command, files), io)
      }),
    )
}
