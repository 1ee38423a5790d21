import type { Command, Option } from 'commander'
import { addGroup, addJobFlags, flag, numberFlag, parseNumber, sampleFiles } from '../flags/flags.ts'
import { UsageError } from '../flags/usage-error.ts'
import { LARGEST } from './flags.ts'
import { MOST_RECORDS } from './forecast.ts'
import type { Stated } from '../measure/range.ts'

export function addPlan(program: Command): void {
  const command = program
    .command('plan')
    .summary('say what a run would take, and send nothing')
    .description(
      `Reads the input, counts its tokens exactly, and says what a run would take: requests, tokens, money and time, for packs of 1, 5, 10, 25 and 50 records and the size it would choose, with the limit that binds. Sends nothing, and needs no key. Packs of 1 stand for plain requests of one record each: if they are as good, it says so.`,
    )
    .argument('[files...]', 'input files, or globs in quotes (default: standard input)')
  addJobFlags(command, {
    maxPackRecords: `the largest pack that may be chosen, up to ${MOST_RECORDS} (default: ${LARGEST})`,
    rpm: 'no limit',
    countTokens: 'what run counts by, if it is given this (default: the plan counts by o200k_base)',
  })
  addGroup(command, 'How it is sent:', [
    flag('--cache <file>', 'run keeps results in it, and asks the same text only once: the file is not read'),
    flag('--partition <name>', 'column: only records of the same value share a request'),
  ])
  addGroup(command, 'How the server answers:', [
    rangeFlag(
      '--time-to-first-token <ms>',
      'a number, or a range such as 300..900 (default: as measured, or else 300, assumed)',
    ),
    rangeFlag(
      '--output-tokens-per-second <number>',
      'of one request, a number or a range (default: as measured, or else 80, assumed)',
    ),
    numberFlag(
      '--prompt-tokens-per-second <number>',
      'tokens of prompt read a second (default: 10000 where the time to the first token is assumed, else no time is taken)',
    ),
    numberFlag(
      '--slowdown <number>',
      'how much each further request in flight slows the others (default: 0.01 where the output tokens a second are assumed, else 0)',
    ),
    rangeFlag(
      '--output-tokens <number>',
      "of one record's result, a number or a range (default: as measured, or else by the schema)",
    ),
    numberFlag(
      '--context-tokens <number>',
      'of prompt and answer together: says which records are too long, and chooses no packs that are',
    ),
    flag(
      '--measured <file>',
      'what run --json printed, of a few hundred records say: time and output as they were',
    ),
    flag('--json', 'the plan for machines'),
  ])
  command
    .addHelpText(
      'after',
      `
Example:
${sampleFiles}
  llm-pack-stream plan tickets.csv --field text --labels labels.txt --instructions prompt.md \\
    --model gpt-4o-mini --price-in 0.15 --price-cached 0.075 --price-out 0.6 --rpm 500 --tpm 200000`,
    )
    .action(async (files: string[]) => {
      const { plan } = await import('./action.ts')
      await plan(files, command)
    })
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
