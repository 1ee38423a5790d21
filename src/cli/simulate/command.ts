import type { Command } from 'commander'
import { faultFlags, flag, latencyFlags, numberFlag } from '../flags/flags.ts'
import type { Perform } from '../io.ts'
import type { SimulateFlags } from './flags.ts'

export function addSimulate(program: Command, perform: Perform): void {
  const command = program
    .command('simulate')
    .summary('run a local OpenAI-compatible server that is not a model')
    .description(
      `Runs an OpenAI-compatible server on 127.0.0.1 for trying things out without a key, and prints the two lines to export. It is not a model: it picks labels by words in common with each record.`,
    )
    .addOption(numberFlag('--port <number>', 'port to listen on, 0 for any free one (default: 4010)'))
  for (const option of latencyFlags()) command.addOption(option)
  command
    .addOption(numberFlag('--rpm <number>', 'limit of requests a minute (default: none)'))
    .addOption(numberFlag('--tpm <number>', 'limit of tokens a minute (default: none)'))
    .addOption(
      numberFlag('--context-tokens <number>', 'tokens of prompt and answer together (default: 128000)'),
    )
    .addOption(flag('--api-key <key>', 'accept only this key (default: any)'))
  for (const option of faultFlags()) command.addOption(option)
  command
    .addHelpText('after', '\nExample:\n  llm-pack-stream simulate --port 4010 --rpm 500 --tpm 200000')
    .action((flags: SimulateFlags) =>
      perform(async (io) => {
        const { simulate } = await import('./action.ts')
        return simulate(flags, io)
      }),
    )
}
