import type { Command } from 'commander'
import { faultFlags, latencyFlags } from '../flags/trial-flags.ts'
import { flag, numberFlag } from '../flags/flags.ts'
import type { Perform } from '../io.ts'
import { PORT, type SimulateFlags } from './flags.ts'

export function addSimulate(program: Command, perform: Perform): void {
  const command = program
    .command('simulate')
    .summary('run a local OpenAI-compatible server that is not a model')
    .description(
      `Runs an OpenAI-compatible server on 127.0.0.1 for trials without a key, and prints two lines to export. It is not a model: it chooses labels by words that they share with a record.`,
    )
    .addOption(numberFlag('--port <number>', `port to listen on; 0 takes a free port (default: ${PORT})`))
  for (const option of latencyFlags()) command.addOption(option)
  command
    .addOption(numberFlag('--rpm <number>', 'limit of requests per minute (default: no limit)'))
    .addOption(numberFlag('--tpm <number>', 'limit of tokens per minute (default: no limit)'))
    .addOption(
      numberFlag(
        '--context-tokens <number>',
        'limit of tokens in prompt and answer together (default: 128000)',
      ),
    )
    .addOption(flag('--api-key <key>', 'key that the server accepts (default: any key)'))
  for (const option of faultFlags()) command.addOption(option)
  command.addOption(flag('--quality <file>', 'JSON file with right results, and how often answers miss them'))
  command
    .addHelpText('after', `\nExample:\n  llm-pack-stream simulate --port ${PORT} --rpm 500 --tpm 200000`)
    .action((flags: SimulateFlags) =>
      perform(async (io) => {
        const { simulate } = await import('./action.ts')
        return simulate(flags, io)
      }),
    )
}
