import { createLogUpdate } from 'log-update'
import type { Stats } from '../../index.ts'
import type { Io } from '../io.ts'
import { clock, money, whole } from './words.ts'

/** How often the line is drawn, in ms. */
const EVERY = 100
const BAR = 20
/** Columns that the line needs. */
const NARROWEST = 20

/** How far a run is. */
export interface Snapshot {
  /** From earlier runs. */
  readonly before: number
  readonly stats: Stats
  /** Records that have been read, those of earlier runs too. */
  readonly read: number
  /** The share of the input that they are, from 0 to 1; `undefined` if its size is not known. */
  readonly share: number | undefined
  /** Records that are to be read at most. */
  readonly limit: number
  /** Since the first record was asked, in ms. */
  readonly elapsed: number
  /** Default: since the first record was asked. */
  readonly perSecond?: number
}

/** Whether standard error is a terminal with room for a line. One that cannot go back in a line would be filled with them. */
export function canRedraw({ stderr, env }: Io): boolean {
  return stderr.isTTY === true && (stderr.columns ?? 0) >= NARROWEST && env['TERM'] !== 'dumb'
}

/** Draws a line on the terminal that standard error is, again and again, until it is stopped. */
export function showProgress(
  snapshot: () => Snapshot,
  { stderr }: Io,
): { note: (text: string) => void; stop: () => void } {
  const update = createLogUpdate(stderr, { showCursor: true })
  const draw = () => {
    update(progressLine(snapshot(), stderr.columns ?? 0))
  }
  const timer = setInterval(draw, EVERY)
  return {
    note(text) {
      update.clear()
      stderr.write(`${text}\n`)
      draw()
    },
    stop() {
      clearInterval(timer)
      update.clear()
      update.done()
    },
  }
}

/** The line, with whole parts only: half a number is a wrong number. */
export function progressLine(snapshot: Snapshot, columns: number): string {
  const { before, stats, read, share, limit, elapsed } = snapshot
  const { records, inFlight, tokens, cost } = stats
  const asked = records.fulfilled + records.rejected
  const done = before + asked
  const { perSecond = asked / Math.max(elapsed / 1_000, 0.001) } = snapshot
  // As many as there are if the rest is like what has been read, and exactly that once all has been.
  const estimate = share === undefined || read === 0 ? undefined : Math.round(read / share)
  const total = estimate === undefined ? undefined : Math.max(Math.min(estimate, limit), done)
  const part = total === undefined ? undefined : done / total
  const parts = [
    total === undefined
      ? `${whole(done)} records`
      : `${whole(done)} of ${share === 1 || total === limit ? '' : '~'}${whole(total)}`,
    ...(part === undefined ? [] : [`${Math.floor(part * 100)}%`]),
    `${perSecond < 10 ? perSecond.toFixed(1) : whole(Math.round(perSecond))}/s`,
    ...(total === undefined || perSecond === 0 ? [] : [`ETA ${clock((total - done) / perSecond)}`]),
    ...(records.rejected > 0 ? [`${whole(records.rejected)} rejected`] : []),
    ...(cost === undefined ? [] : [money(cost)]),
    `${inFlight} in flight`,
    `${whole(tokens.input + tokens.output)} tokens`,
  ]
  // The bar goes first where there is no room.
  const bar = part === undefined ? '' : `${'█'.repeat(Math.round(part * BAR)).padEnd(BAR, '░')}  `
  while (parts.length > 1 && parts.join('  ').length >= columns) parts.pop()
  const line = parts.join('  ')
  return bar.length + line.length < columns ? bar + line : line
}
