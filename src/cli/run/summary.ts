import type { Stats } from '../../index.ts'
import type { RunFlags } from './flags.ts'
import type { Measured } from '../measure/meter.ts'
import type { RunReasons } from '../measure/reasons.ts'
import type { Price } from '../task/price.ts'
import type { Flow, Halt } from './flow.ts'
import { exitCodes } from '../flags/usage-error.ts'
import { accountOf } from '../terminal/account.ts'
import { aligned } from '../terminal/aligned.ts'
import { duration, rate, whole } from '../terminal/words.ts'

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
    /** Rows of the output whose record is not in the input. `done` is without them. */
    readonly others: number
  }
  /** Whether an output in order has new rows at its end that stand elsewhere in the input. */
  readonly isMixed: boolean
  /** Cells that this run wrote to a table, and that a spreadsheet would take for formulas. */
  readonly formulas: number
  /** Duration of this run. */
  readonly seconds: number
  readonly stats: Stats
  /** Why records were rejected or asked again, and why the run waited. */
  readonly reasons: RunReasons
  /** The price behind `stats.cost`. */
  readonly price: Price
  /** The speed of the server, for `plan --measured`. */
  readonly measured: Measured | undefined
  readonly error: string | undefined
  /** The first record that this run rejected, and why. */
  readonly firstRejection: string | undefined
}

/** What a run counted and measured. */
export type Accounts = Pick<Summary, 'stats' | 'reasons' | 'price' | 'measured' | 'server' | 'formulas'>

export function summaryOf(
  flow: Flow,
  limit: number,
  accounts: Accounts,
  halt: Halt | undefined,
  { output, rejects, ordered = false }: RunFlags,
): Summary {
  const { rows, left } = flow.before
  // A record of the output may come later in the input.
  const isKnown = flow.isAllRead && flow.read < limit
  const others = isKnown ? left : { fulfilled: 0, rejected: 0 }
  const fulfilled = rows.fulfilled - others.fulfilled + flow.fulfilled
  const rejected = rows.rejected - others.rejected + flow.rejected
  const { server, stats, reasons, price, measured, formulas } = accounts
  return {
    status: halt?.status ?? 'complete',
    exitCode: halt?.exitCode ?? (rejected > 0 ? exitCodes.someRejected : exitCodes.fulfilled),
    ...{ output, rejects, server },
    records: {
      ...{ done: fulfilled + rejected, fulfilled, rejected },
      earlier: fulfilled + rejected - flow.fulfilled - flow.rejected,
      others: others.fulfilled + others.rejected,
    },
    isMixed: ordered && flow.isMixed,
    seconds: flow.startedAt === undefined ? 0 : (performance.now() - flow.startedAt) / 1_000,
    ...{ formulas, stats, reasons, price, measured },
    error: halt?.message,
    firstRejection: flow.firstRejection,
  }
}

/** The summary for a person. */
export function formatSummary(summary: Summary): string {
  const { records, seconds, stats, reasons, price, output, rejects, server, firstRejection } = summary
  const asked = records.done - records.earlier
  const parts = [
    `${whole(records.done)} ${records.done === 1 ? 'record' : 'records'}`,
    `${whole(records.fulfilled)} fulfilled`,
    `${whole(records.rejected)} rejected`,
    ...(records.earlier > 0 ? [`${whole(records.earlier)} of them from earlier runs`] : []),
  ]
  return aligned([
    ['done', parts.join(', ')],
    ['time', `${duration(seconds * 1_000)}, ${rate(asked / Math.max(seconds, 0.001))}`],
    ...accountOf(stats, reasons, price),
    ['first', firstRejection === undefined ? [] : `rejected: ${firstRejection}`],
    ['server', server === 'simulator' ? 'the simulator, which is no model' : []],
    ['output', output ?? []],
    ['note', remarks(summary)],
    ['rejects', rejects !== undefined && records.rejected > 0 ? rejects : []],
    ['see', output !== undefined && records.rejected > 0 ? `llm-pack-stream errors ${output}` : []],
  ])
}

/** What changes of the input mean for the output. */
function remarks({ records: { others }, isMixed, formulas, output = 'the output' }: Summary): string[] {
  return [
    ...(formulas > 0
      ? [
          `${whole(formulas)} ${formulas === 1 ? 'cell begins' : 'cells begin'} with = + - or @: a spreadsheet may compute this. See --escape-formulas`,
        ]
      : []),
    ...(others > 0
      ? [
          `${output} has ${whole(others)} ${others === 1 ? 'row' : 'rows'} of records that are not in the input`,
        ]
      : []),
    ...(isMixed
      ? [`the input has new records between old ones: their rows are at the end of ${output}`]
      : []),
  ]
}
