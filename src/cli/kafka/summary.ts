import { PackStreamError, RecordError, type Stats } from '../../index.ts'
import type { KafkaSummary } from '../../kafka/index.ts'
import { exitCodes, withFlags } from '../flags/usage-error.ts'
import { say, type Io } from '../io.ts'
import type { KafkaFlags } from './flags.ts'
import type { StopSignal } from '../process/signals.ts'
import { isOfServer, withCause } from '../terminal/failure.ts'
import { clock, spent, whole } from '../terminal/words.ts'

/** The account of a worker, which `--json` prints. */
export interface WorkerSummary {
  readonly status: 'stopped' | 'failed'
  readonly exitCode: number
  /** `simulator`: no model made the results. */
  readonly server: string
  /** Outcomes of the messages that were read. `null`: not known, because the worker failed. */
  readonly records: Pick<KafkaSummary, 'fulfilled' | 'rejected' | 'dropped' | 'unfinished'> | null
  readonly seconds: number
  readonly stats: Stats
  readonly error: string | undefined
  /** The first rejected message, and why. */
  readonly firstRejection: string | undefined
}

/** @param stop The signal that stopped the worker. */
export function summaryOf(
  ended: KafkaSummary | Error,
  stop: StopSignal | undefined,
  accounts: Pick<WorkerSummary, 'server' | 'seconds' | 'stats' | 'firstRejection'>,
): WorkerSummary {
  if (ended instanceof Error) {
    // Other errors say the reason themselves.
    const error = ended instanceof RecordError ? withCause(ended) : withFlags(ended.message)
    return { status: 'failed', exitCode: exitCodes.fatal, records: null, error, ...accounts }
  }
  const { fulfilled, rejected, dropped, unfinished } = ended
  return {
    status: 'stopped',
    exitCode: unfinished === 0 || !stop ? exitCodes.fulfilled : stop.exitCode,
    records: { fulfilled, rejected, dropped, unfinished },
    error: undefined,
    ...accounts,
  }
}

/** Reports how a worker ended: to a person, or as JSON. */
export function report(
  summary: WorkerSummary,
  ended: KafkaSummary | Error,
  brokers: readonly string[],
  { json }: KafkaFlags,
  io: Io,
): void {
  const { error, server } = summary
  if (error !== undefined) say(io, error)
  if (ended instanceof PackStreamError || ended instanceof RecordError) {
    if (isOfServer(ended)) say(io, `The server is ${server}.`)
  } else if (ended instanceof Error) {
    say(io, `The brokers are ${brokers.join(', ')}.`)
  }
  if (json) io.stdout.write(`${JSON.stringify(summary)}\n`)
  else if (summary.records || summary.stats.requests > 0) say(io, formatWorker(summary))
}

/** The summary for a person. */
export function formatWorker({ records, seconds, stats, server, firstRejection }: WorkerSummary): string {
  const names = ['fulfilled', 'rejected', 'dropped', 'unfinished'] as const
  const lines = [
    ...(records ? [names.map((name) => `${whole(records[name])} ${name}`).join(', ')] : []),
    [clock(seconds), ...spent(stats)].join(', '),
    ...(firstRejection === undefined ? [] : [`the first rejected: ${firstRejection}`]),
    ...(server === 'simulator' ? ['by the simulator, which is no model'] : []),
  ]
  return lines.join('\n')
}
