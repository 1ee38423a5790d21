import type { Command } from 'commander'
import { flag, latencyFlags, numberFlag, type LatencyFlags } from './flags.ts'
import { startSimulation } from './simulation.ts'
import { given } from './given.ts'

interface SimulateFlags extends LatencyFlags {
  port?: number
  rpm?: number
  tpm?: number
  contextTokens?: number
  apiKey?: string
  faultRate?: number
  seed?: number
}

export function addSimulate(program: Command): void {
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
    .addOption(
      numberFlag(
        '--fault-rate <share>',
        'share of requests that go wrong, from 0 to 1, in all ways alike (default: 0)',
      ),
    )
    .addOption(numberFlag('--seed <number>', 'which requests go wrong, and how (default: 1)'))
    .addHelpText('after', '\nExample:\n  llm-pack-stream simulate --port 4010 --rpm 500 --tpm 200000')
    .action((flags: SimulateFlags) => simulate(flags))
}

async function simulate({
  port = 4010,
  rpm,
  tpm,
  contextTokens,
  apiKey,
  seed,
  ...flags
}: SimulateFlags): Promise<void> {
  const limits = given({ requestsPerMinute: rpm, tokensPerMinute: tpm })
  const simulator = await startSimulation(flags, seed, {
    port,
    limits,
    ...given({ contextTokens, apiKey }),
  }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new Error(`Port ${port} is in use. Choose another one with --port, or 0 for any free one.`)
    }
    throw error
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void simulator.close())
  }
  console.log(`This is a simulator, not a model: its answers only look like answers.

export OPENAI_BASE_URL=${simulator.baseURL}
export OPENAI_API_KEY=${apiKey ?? 'simulator'}

Ctrl-C stops it.`)
}
