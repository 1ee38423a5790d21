import { existsSync } from 'node:fs'
import { evaluate, JournalError, type EvalProgress, type EvalReport } from '../../eval/index.ts'
import type { Given } from '../flags/config.ts'
import { given } from '../flags/given.ts'
import { asUsageError, exitCodes, UsageError } from '../flags/usage-error.ts'
import { say, type Io } from '../io.ts'
import { onStopSignal, type StopSignal } from '../process/signals.ts'
import type { Item } from '../rows/item.ts'
import { lock } from '../rows/lock.ts'
import { moveAside } from '../rows/move-aside.ts'
import { openEndpoint, type Endpoint } from '../task/endpoint.ts'
import { loadEnvFile, tokenCounter } from '../task/job.ts'
import { estimateOf, mayStart, sayEstimate } from './before.ts'
import type { EvalFlags } from './flags.ts'
import { prepare, qualityOf, type Prepared } from './prepare.ts'
import { tellProgress } from './progress.ts'
import { tellReport, type Commands } from './tell.ts'
import { readScore, type Score } from './score.ts'

/** Evaluates packs. Returns the exit code. */
export async function evalPacks(input: Given<EvalFlags>, io: Io, commands: Commands): Promise<number> {
  const { flags } = input
  loadEnvFile(flags.envFile, io)
  // The estimate counts tokens. Without the counter, the command stops before it reads.
  await tokenCounter('eval')
  const score = flags.score === undefined ? undefined : await readScore(flags.score)
  const prepared = await prepare(input, io)
  const { journal } = prepared
  const estimates = await estimateOf(prepared, flags)
  sayEstimate(estimates, prepared, flags, io)
  const endpoint = await openEndpoint(flags, io, qualityOf(prepared, flags))
  let unlock: (() => void) | undefined
  try {
    // Two evals with one journal would pay for the same answers.
    unlock = lock(journal)
    if (!(await mayStart(estimates, prepared, endpoint.name, flags, io))) {
      say(io, 'Nothing was sent.')
      return exitCodes.fulfilled
    }
    if (flags.overwrite && existsSync(journal)) moveAside(journal, `${journal}.bak`)
    const { report, signal } = await ask(prepared, score, endpoint, flags, io)
    await tellReport(report, { ...prepared, server: endpoint.name }, commands, flags, io)
    if (signal) say(io, `Stopped. ${journal} has what is paid for: run the same command again to go on.`)
    else if (report.stopped === 'max_cost')
      say(
        io,
        `The next request could pass --max-cost ${flags.maxCost}. ${journal} has what is paid for: run the same command with a higher cap to go on.`,
      )
    return signal?.exitCode ?? (report.stopped === undefined ? exitCodes.fulfilled : exitCodes.fatal)
  } finally {
    unlock?.()
    await endpoint.close()
  }
}

interface Ended {
  readonly report: EvalReport
  /** The signal that stopped the eval. */
  readonly signal: StopSignal | undefined
}

/** Asks the sample, shows the progress to a person, and stops at a signal. */
async function ask(
  { job, sample, sizes, margin, seed, journal }: Prepared,
  score: Score | undefined,
  { client }: Endpoint,
  flags: EvalFlags,
  io: Io,
): Promise<Ended> {
  const golds = new Map(sample.records.map(({ item, gold }) => [item, gold]))
  const { maxCost, maxAttempts, firstTokenTimeout, idleTimeout, requestTimeout } = flags
  const controller = new AbortController()
  let seen: EvalProgress | undefined
  let signal: StopSignal | undefined
  const teller = tellProgress(() => seen, flags, io)
  const off = onStopSignal(io, (given) => {
    // The system ends the process at the next signal.
    off()
    signal = given
    teller.say(
      'Stopping: nothing more is sent, and running requests are let to the end. Ctrl-C again ends at once.',
    )
    controller.abort()
  })
  try {
    const report = await evaluate<Item, unknown>({
      ...{ ...job.options, client, records: [...golds.keys()], sizes, margin, seed, journal },
      ...given({ maxCost, maxAttempts, firstTokenTimeout, idleTimeout, requestTimeout }),
      gold: (item) => golds.get(item),
      ...(score && { score: (value, gold, { own }) => score(value, gold, own) }),
      signal: controller.signal,
      onProgress(progress) {
        seen = progress
      },
    })
    return { report, signal }
  } catch (error) {
    throw error instanceof JournalError ? new UsageError(`--output: ${error.message}`) : asUsageError(error)
  } finally {
    off()
    teller.stop()
  }
}
