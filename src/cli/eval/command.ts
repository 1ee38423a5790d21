import type { Command } from 'commander'
import { MARGIN, SEED, SIZES } from '../../eval/index.ts'
import { withConfig } from '../flags/config.ts'
import { addGroup, addJobFlags, flag, numberFlag, parseNumber, sampleTask } from '../flags/flags.ts'
import { sendingFlags } from '../flags/sending-flags.ts'
import { addTrialFlags } from '../flags/trial-flags.ts'
import { UsageError } from '../flags/usage-error.ts'
import type { Perform } from '../io.ts'
import { JOURNAL, SAMPLE } from './flags.ts'
import { runArguments } from './use-command.ts'

const SENDING = [
  '--max-cost',
  '--max-attempts',
  '--first-token-timeout',
  '--idle-timeout',
  '--request-timeout',
]

export function addEval(program: Command, perform: Perform): void {
  const command = program
    .command('eval')
    .summary('find out what packing costs in accuracy on your records')
    .description(
      `Asks a sample of the records in packs of several sizes and alone, and compares the results with the right results. Recommends the largest packs whose loss is below a margin, or none. First says what this will cost and which loss it can find, and asks. After Ctrl-C, run the same command again: it continues where it stopped.`,
    )
    .argument('[files...]', 'input files, or globs in quotes (default: standard input)')
  addGroup(command, 'Eval:', [
    flag(
      '--gold <columns>',
      'column with the right result, or columns with commas, one for each field (default: none; results are compared with those of packs of one)',
    ),
    flag(
      '--score <file>',
      '.ts or .js module that exports a function of value, gold and record; it returns a number from 0 (wrong) to 1 (right)',
    ),
    flag('--sizes <numbers>', `sizes of packs (default: ${SIZES.join(',')})`).argParser(parseSizes),
    flag(
      '--margin <points>',
      `greatest loss that you accept, such as 2% (default: ${100 * MARGIN}%)`,
    ).argParser(parseMargin),
    numberFlag('--sample <number>', `number of records, drawn from the whole input (default: ${SAMPLE})`),
    numberFlag('--seed <number>', `number that decides the sample and the packs (default: ${SEED})`),
  ])
  addJobFlags(command, {
    maxPackRecords: undefined,
    rpm: 'the limits in the headers of the server',
    countTokens: 'count tokens exactly with this vocabulary',
  })
  addGroup(command, 'Output:', [
    flag(
      '-o, --output <file>',
      `journal of the answers, JSON lines, by which the same command continues (default: ${JOURNAL})`,
    ),
    flag('--overwrite', 'start a new journal, and move the journal of an earlier eval to <file>.bak'),
    flag('--report <file>', 'page of charts and tables, also if the eval stops early: .html'),
    flag('--json', 'print the report as JSON on standard output'),
    flag('--no-progress', 'show no progress, only problems and the report'),
    flag('--quiet', 'show only problems and the recommendation'),
    flag('--yes', 'send without a question'),
  ])
  addGroup(
    command,
    'Sending:',
    sendingFlags().filter(({ long }) => SENDING.includes(long ?? '')),
  )
  addTrialFlags(command)
  command
    .addOption(flag('--quality <file>', 'JSON file that says how often the answers of --simulate are wrong'))
    .addHelpText(
      'after',
      `
Example, without a key:
  printf 'id,text,label\\n1,Where is my card?,card\\n2,What a high fee!,fee\\n' > labelled.csv
${sampleTask}
  llm-pack-stream eval labelled.csv --gold label --field text --labels labels.txt \\
    --instructions prompt.md --model gpt-4o-mini --report eval.html --simulate

Exit codes:
  0 asked to the end of the sample, 2 unusable options, 3 stopped by an error or by --max-cost,
  130 Ctrl-C, 143 SIGTERM`,
    )
    .action((files: string[]) =>
      perform(async (io, argv) => {
        const { evalPacks } = await import('./action.ts')
        const ofRun = program.commands.find((one) => one.name() === 'run')?.options ?? []
        const runWith = (size: number): string[] => runArguments(argv, command.options, ofRun, size)
        return evalPacks(withConfig(command, files), io, { argv, runWith })
      }),
    )
}

function parseSizes(text: string): number[] {
  const sizes = text.split(',').map((one) => parseNumber('--sizes', one))
  const bad = sizes.find((size) => !Number.isInteger(size) || size < 1 || size > 100)
  if (bad !== undefined) throw new UsageError(`--sizes: expected whole numbers from 1 to 100, got ${bad}`)
  return [...new Set([1, ...sizes])].sort((a, b) => a - b)
}

/** Points, or a share of scores: `2%`, `2 points` and `0.02` are the same. */
function parseMargin(text: string): number {
  const [, percent] = /^(.*?)\s*(?:%|points?)$/.exec(text.trim()) ?? []
  const margin =
    percent === undefined ? parseNumber('--margin', text) : parseNumber('--margin', percent) / 100
  if (margin > 0 && margin < 1) return margin
  throw new UsageError(`--margin: expected points above 0 and below 100, such as 2%, got ${text}`)
}
