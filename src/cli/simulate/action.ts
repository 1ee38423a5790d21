import type { Quality } from '../../simulator/index.ts'
import { readObject } from '../flags/config.ts'
import { given } from '../flags/given.ts'
import { exitCodes } from '../flags/usage-error.ts'
import type { Io } from '../io.ts'
import { onStopSignal } from '../process/signals.ts'
import { startSimulation } from '../task/simulation.ts'
import { PORT, type SimulateFlags } from './flags.ts'

/** Runs until a signal stops it. Returns the exit code. */
export async function simulate(
  { port = PORT, rpm, tpm, contextTokens, apiKey, quality, ...flags }: SimulateFlags,
  io: Io,
): Promise<number> {
  const limits = given({ requestsPerMinute: rpm, tokensPerMinute: tpm })
  const simulator = await startSimulation(flags, {
    port,
    limits,
    ...given({ contextTokens, apiKey }),
    // The simulator checks the object.
    ...(quality !== undefined && { quality: readObject(quality, '--quality') as Quality }),
  }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new Error(`Port ${port} is in use. Choose another one with --port, or 0 for any free one.`)
    }
    throw error
  })
  const stopped = new Promise<void>((resolve) => {
    const offSignals = onStopSignal(io, () => {
      offSignals()
      resolve()
    })
  })
  io.stdout.write(`This is a simulator, not a model: its answers only look like answers.

export OPENAI_BASE_URL=${simulator.baseURL}
export OPENAI_API_KEY=${inShell(apiKey ?? 'simulator')}

Ctrl-C stops it.
`)
  await stopped
  await simulator.close()
  return exitCodes.fulfilled
}

/** A word as a POSIX shell takes it. */
function inShell(word: string): string {
  return /^[\w.:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
