import type { Stats } from '../../index.ts'
import type { RunFlags } from './flags.ts'
import type { Measured } from '../measure/meter.ts'
import type { Flow, Halt } from './flow.ts'
import { exitCodes } from '../flags/usage-error.ts'
import { clock, spent, whole } from '../terminal/words.ts'

/** The account of a run, which `--json` prints. */
export interface Summary {
  readonly status: 'complete' | 'interrupted' | 'failed'
  readonly exitCode: number
  readonly output: string | undefined
  readonly rejects: string | undefined
  /** `simulator`: no model made the results. */
  readonly server: string
  readonly records: {
    /** Records with an outcome in the output, including the outcomes of earlier runs. */
    readonly done: number
    readonly fulfilled: number
    readonly rejected: number
    /** Part of `done` from earlier runs. */
    readonly earlier: number
  }
  /** Duration of this run. */
  readonly seconds: number
  readonly stats: Stats
  /** The speed of the server, for `plan --measured`. */
  readonly measured: Measured | undefined
  readonly error: string | undefined
  /** The first record that this run rejected, and why. */
  readonly firstRejection: string | undefined
}

export function summaryOf(
  flow: Flow,
  stats: Stats,
  measured: Measured | undefined,
  server: string,
  halt: Halt | undefined,
  { output, rejects }: RunFlags,
): Summary {
  const { before } = flow
  const earlier = before.done.size
  const rejected = before.rejected.size + flow.rejected
  const fulfilled = earlier - before.rejected.size + flow.fulfilled
  return {
    status: halt?.status ?? 'complete',
    exitCode: halt?.exitCode ?? (rejected > 0 ? exitCodes.someRejected : exitCodes.fulfilled),
    ...{ output, rejects, server },
    records: { done: fulfilled + rejected, fulfilled, rejected, earlier },
    seconds: flow.startedAt === undefined ? 0 : (performance.now() - flow.startedAt) / 1_000,
    ...{ stats, measured },
    error: halt?.message,
    firstRejection: flow.firstRejection,
  }
}

/** The summary for a person. */
export function formatSummary(summary: Summary): string {
  const { records, seconds, stats, output, rejects, server, firstRejection } = summary
  const asked = records.done - records.earlier
  const lines = [
    [
      `${whole(records.done)} records`,
      `${whole(records.fulfilled)} fulfilled`,
      `${whole(records.rejected)} rejected`,
      ...(records.earlier > 0 ? [`${whole(records.earlier)} of them from earlier runs`] : []),
    ].join(', '),
    [
      `${clock(seconds)} (${whole(Math.round(asked / Math.max(seconds, 0.001)))} records/s)`,
      ...spent(stats),
    ].join(', '),
    ...(firstRejection === undefined ? [] : [`the first rejected: ${firstRejection}`]),
    ...(server === 'simulator' ? ['by the simulator, which is no model'] : []),
    ...(output === undefined ? [] : [`in ${output}`]),
    ...(rejects !== undefined && records.rejected > 0 ? [`the rejected ones also in ${rejects}`] : []),
  ]
  return lines.join('\n')
}
