import type { Command, Option } from 'commander'
import { withConfig } from '../flags/config.ts'
import { addGroup, addJobFlags, flag, numberFlag, parseNumber, sampleFiles } from '../flags/flags.ts'
import { defaults } from '../../options/index.ts'
import { defaultLatency } from '../../simulator/index.ts'
import { checkFlags } from '../flags/check-flags.ts'
import { UsageError } from '../flags/usage-error.ts'
import type { Perform } from '../io.ts'
import { LARGEST, SHOWN } from './flags.ts'
import { MOST_RECORDS } from '../estimate/forecast.ts'
import type { Stated } from '../measure/range.ts'

export function addPlan(program: Command, perform: Perform): void {
  const sizes = new Intl.ListFormat('en-GB').format(SHOWN.map(String))
  const command = program
    .command('plan')
    .summary('show the requests, cost and time of a run, and send nothing')
    .description(
      `Reads the input, counts its tokens exactly, and shows the requests, tokens, cost and time of a run with packs of ${sizes} records. Chooses a size, and names the limit that decides the time. Sends nothing, and needs no key. The row of packs of 1 stands for plain requests of one record each. If they are as good as packs, the plan chooses them.`,
    )
    .argument('[files...]', 'input files, or globs in quotes (default: standard input)')
  addJobFlags(command, {
    maxPackRecords: `largest pack that the plan may choose, up to ${MOST_RECORDS} (default: ${LARGEST})`,
    rpm: 'no limit',
    countTokens: `vocabulary of a run with this flag (default: the run estimates, the plan counts by ${defaults.encoding})`,
  })
  addGroup(command, 'Checks:', checkFlags())
  addGroup(command, 'Sending:', [
    flag(
      '--cache <file>',
      'file in which a run keeps results: it asks each text once (the plan does not read the file)',
    ),
    flag('--partition <name>', 'column: only records with the same value share a request'),
  ])
  addGroup(command, 'Server:', [
    rangeFlag(
      '--time-to-first-token <ms>',
      `number, or range such as 300..900 (default: as measured, or else ${defaultLatency.timeToFirstToken}, assumed)`,
    ),
    rangeFlag(
      '--output-tokens-per-second <number>',
      `number or range, for one request (default: as measured, or else ${defaultLatency.outputTokensPerSecond}, assumed)`,
    ),
    numberFlag(
      '--prompt-tokens-per-second <number>',
      `tokens of prompt that the server reads a second (default: ${defaultLatency.promptTokensPerSecond} if the time to the first token is assumed, or else without limit)`,
    ),
    numberFlag(
      '--slowdown <number>',
      `share by which each further request in flight slows the others (default: ${defaultLatency.slowdown} if the output tokens a second are assumed, or else 0)`,
    ),
    rangeFlag(
      '--output-tokens <number>',
      "number or range, for one record's result (default: as measured, or else by the schema)",
    ),
    numberFlag(
      '--context-tokens <number>',
      'tokens of prompt and answer together: the plan counts records that are too long, and chooses no pack that is',
    ),
    flag(
      '--measured <file>',
      'output of run --json, for example with a few hundred records: the plan takes its times and its output',
    ),
    flag('--json', 'print the plan for machines'),
  ])
  command
    .addHelpText(
      'after',
      `
Example:
${sampleFiles}
  llm-pack-stream plan tickets.csv --field text --labels labels.txt --instructions prompt.md \\
    --model gpt-4o-mini --rpm 500 --tpm 200000`,
    )
    .action((files: string[]) =>
      perform(async (io) => {
        const { plan } = await import('./action.ts')
        return plan(withConfig(command, files), io)
      }),
    )
}

function rangeFlag(flags: string, description: string): Option {
  const option = flag(flags, description)
  return option.argParser((text): Stated => {
    const name = option.long ?? flags
    const [low = '', high, more] = text.split('..')
    if (more !== undefined)
      throw new UsageError(`${name}: expected a number or a range, got ${JSON.stringify(text)}`)
    const number = parseNumber(name, low)
    return high === undefined ? number : { low: number, high: parseNumber(name, high) }
  })
}
