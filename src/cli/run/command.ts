import type { Command } from 'commander'
import { withConfig } from '../flags/config.ts'
import type { Perform } from '../io.ts'
import { addGroup, addJobFlags, flag, numberFlag, sampleFiles } from '../flags/flags.ts'
import { addTrialFlags } from '../flags/trial-flags.ts'
import { checkFlags } from '../flags/check-flags.ts'
import { sendingFlags } from '../flags/sending-flags.ts'
import { defaults } from '../../options/index.ts'

export function addRun(program: Command, perform: Perform): void {
  const command = program
    .command('run')
    .summary('send the records of files through a model')
    .description(
      `Sends the records of files through a model, many in each request. Writes each record with its result as soon as the result arrives. After Ctrl-C or a crash, run the same command again: it continues where it stopped.

Input: JSON lines, a JSON array, CSV or TSV with a header, or plain lines, also as .gz or .zst; Parquet, XLSX; - is standard input.
Output: the columns of the record and of the result, _index (position in the input, from 0) and, for a rejected record, _error.`,
    )
    .argument('[files...]', 'input files, or globs in quotes (default: standard input)')
  addJobFlags(command, {
    maxPackRecords: `records in one request (default: ${defaults.maxPackRecords})`,
    rpm: 'the limits in the headers of the server',
    countTokens: 'count tokens exactly with this vocabulary (needs gpt-tokenizer)',
  })
  addGroup(command, 'Output:', [
    flag(
      '-o, --output <file>',
      'file to write: .jsonl, .csv, .tsv, .json or .parquet (default: JSON lines on standard output)',
    ),
    flag('--output-format <format>', 'format of the output if its name does not tell').choices([
      ...['jsonl', 'csv', 'tsv', 'json', 'parquet'],
    ]),
    flag('--output-delimiter <character>', 'delimiter of a CSV output, such as ; (default: a comma)'),
    flag('--bom', 'begin a table with a byte order mark, by which Excel knows UTF-8'),
    flag('--escape-formulas', "put a ' before cells of a table that a spreadsheet would compute"),
    flag('--rejects <file>', 'file for rejected records and bad rows too: the input of another run'),
    flag(
      '--meta <columns>',
      'columns about the outcome: index, error, or none (default: index,error); without error, rejected records go to --rejects alone',
    ),
    flag(
      '--key <columns>',
      'column, or columns with commas, by which records are known (default: all columns)',
    ),
    flag('--retry-rejected', 'ask the rejected records of the output again'),
    flag('--ordered', 'keep the order of the input'),
    flag('--strict', 'stop at the first bad row'),
    flag('--force', 'continue an output although the task has changed'),
    flag('--overwrite', 'start a new output, and move the output of an earlier run to <file>.bak'),
    flag('--report <file>', 'page of charts and tables about the run, also if it stops early: .html'),
    flag('--json', 'print a summary as JSON on standard output, or on standard error if records go there'),
    flag('--no-progress', 'show no progress, only problems and the summary'),
    flag('--quiet', 'show only problems'),
  ])
  addGroup(command, 'Checks:', checkFlags())
  addGroup(command, 'Sending:', [
    ...sendingFlags(),
    numberFlag(
      '--high-water-mark <number>',
      'number of records, and of outcomes, that the stream buffers (default: 16)',
    ),
    numberFlag('--writable-high-water-mark <number>', 'number of records that it buffers (default: 16)'),
    numberFlag('--readable-high-water-mark <number>', 'number of outcomes that it buffers (default: 16)'),
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
  0 all records fulfilled, 1 some rejected, 2 unusable options, 3 stopped by an error,
  4 stopped by --max-rejects, 130 Ctrl-C, 143 SIGTERM`,
    )
    .action((files: string[]) =>
      perform(async (io, argv) => {
        const { run } = await import('./action.ts')
        return run(withConfig(command, files), io, argv)
      }),
    )
}
