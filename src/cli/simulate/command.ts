import type { Command } from 'commander'
import {
  faultFlags,
  flag,
  latencyFlags,
  numberFlag,
  type FaultFlags,
  type LatencyFlags,
} from '../flags/flags.ts'
import { startSimulation } from '../task/simulation.ts'
import { given } from '../flags/given.ts'

interface SimulateFlags extends LatencyFlags, FaultFlags {
  port?: number
  rpm?: number
  tpm?: number
  contextTokens?: number
  apiKey?: string
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
  for (const option of faultFlags()) command.addOption(option)
  command
    .addHelpText('after', '\nExample:\n  llm-pack-stream simulate --port 4010 --rpm 500 --tpm 200000')
    .action((flags: SimulateFlags) => simulate(flags))
}

async function simulate({
  port = 4010,
  rpm,
  tpm,
  contextTokens,
  apiKey,
  ...flags
}: SimulateFlags): Promise<void> {
  const limits = given({ requestsPerMinute: rpm, tokensPerMinute: tpm })
  const simulator = await startSimulation(flags, {
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
export OPENAI_API_KEY=${inShell(apiKey ?? 'simulator')}

Ctrl-C stops it.`)
}

/** A word as a POSIX shell takes it. */
function inShell(word: string): string {
  return /^[\w.:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
