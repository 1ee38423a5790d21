import { PackStreamError, RecordError, type Stats } from '../../index.ts'
import type { KafkaSummary } from '../../kafka/index.ts'
import { exitCodeOf, exitCodes, withFlags } from '../flags/usage-error.ts'
import { say, type Io } from '../io.ts'
import type { KafkaFlags } from './flags.ts'
import type { StopSignal } from '../process/signals.ts'
import type { Price } from '../task/price.ts'
import { isOfServer, withCause } from '../terminal/failure.ts'
import type { RunReasons } from '../measure/reasons.ts'
import { accountOf } from '../terminal/account.ts'
import { aligned } from '../terminal/aligned.ts'
import { duration, whole } from '../terminal/words.ts'

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
  /** Why messages were rejected or asked again, and why the worker waited. */
  readonly reasons: RunReasons
  /** The price behind `stats.cost`. */
  readonly price: Price
  readonly error: string | undefined
  /** The first rejected message, and why. */
  readonly firstRejection: string | undefined
}

/** @param stop The signal that stopped the worker. */
export function summaryOf(
  ended: KafkaSummary | Error,
  stop: StopSignal | undefined,
  accounts: Pick<WorkerSummary, 'server' | 'seconds' | 'stats' | 'reasons' | 'price' | 'firstRejection'>,
): WorkerSummary {
  if (ended instanceof Error) {
    // Other errors say the reason themselves.
    const error = ended instanceof RecordError ? withCause(ended) : withFlags(ended.message)
    return { status: 'failed', exitCode: exitCodeOf(ended), records: null, error, ...accounts }
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
export function formatWorker(summary: WorkerSummary): string {
  const { records, seconds, stats, reasons, price, server, firstRejection } = summary
  const names = ['fulfilled', 'rejected', 'dropped', 'unfinished'] as const
  return aligned([
    ['done', records ? names.map((name) => `${whole(records[name])} ${name}`).join(', ') : []],
    ['time', duration(seconds * 1_000)],
    ...accountOf(stats, reasons, price),
    ['first', firstRejection === undefined ? [] : `rejected: ${firstRejection}`],
    ['server', server === 'simulator' ? 'the simulator, which is no model' : []],
  ])
}
