import type { Stats } from '../../index.ts'
import { checkParts } from './checks.ts'
import type { Pause } from './pauses.ts'
import { clock, money, rate, whole } from './words.ts'

const BAR_COLUMNS = 20

/** How far a job is. */
export interface Progress {
  /** Outcomes of earlier runs. */
  readonly before: number
  readonly stats: Stats
  /** Records that were read, including the records of earlier runs. */
  readonly read: number
  /** Their share of the input, from 0 to 1. `undefined`: the size of the input is not known. */
  readonly share: number | undefined
  /** Largest number of records to read. */
  readonly limit: number
}

export interface Snapshot extends Progress {
  /** Outcomes per second. */
  readonly perSecond: number
  /** The pause in which the job gets no outcomes. */
  readonly pause: Pause | undefined
}

/**
 * The line. It has whole parts only, because half a number is a wrong number.
 *
 * @param columns Columns of the terminal, or `Infinity` for a log.
 */
export function progressLine(snapshot: Snapshot, columns: number): string {
  const { before, stats, read, share, limit, perSecond, pause } = snapshot
  const { records, inFlight, tokens, cost } = stats
  const done = before + records.fulfilled + records.rejected
  // An estimate: the rest may differ. It is exact once all records were read.
  const estimate = share === undefined || read === 0 ? undefined : Math.round(read / share)
  const total = estimate === undefined ? undefined : Math.max(Math.min(estimate, limit), done)
  const part = total === undefined ? undefined : done / total
  const pace = [
    rate(perSecond),
    ...(total === undefined || perSecond === 0 ? [] : [`ETA ${clock((total - done) / perSecond)}`]),
  ]
  const parts = [
    total === undefined
      ? `${whole(done)} records`
      : `${whole(done)} of ${share === 1 || total === limit ? '' : '~'}${whole(total)}`,
    ...(part === undefined ? [] : [`${Math.floor(part * 100)}%`]),
    // In a pause, the rate says nothing of the time that is left.
    ...(pause ? [] : pace),
    ...(records.rejected > 0 ? [`${whole(records.rejected)} rejected`] : []),
    ...checkParts(stats),
    ...(cost === undefined ? [] : [money(cost)]),
    `${inFlight} in flight`,
    `${whole(tokens.input + tokens.output)} tokens`,
  ]
  if (pause) {
    const counts = `${parts[0]}  `
    const isLong = counts.length + pause.long.length < columns
    parts.unshift(isLong ? pause.long : pause.short)
  }
  while (parts.length > 1 && parts.join('  ').length >= columns) parts.pop()
  const line = parts.join('  ')
  if (line.length >= columns) return ''
  // A log has no bar. Without room for everything, the bar goes first.
  const bar =
    part === undefined || columns === Infinity
      ? ''
      : `${'█'.repeat(Math.round(part * BAR_COLUMNS)).padEnd(BAR_COLUMNS, '░')}  `
  return bar.length + line.length < columns ? bar + line : line
}
