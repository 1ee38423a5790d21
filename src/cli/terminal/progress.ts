import { createLogUpdate } from 'log-update'
import type { Stats, Waiting } from '../../index.ts'
import type { Io } from '../io.ts'
import { clock, money, rate, whole } from './words.ts'

const DRAW_INTERVAL_MS = 100
const BAR_COLUMNS = 20
/** Width of the narrowest terminal with room for the line. */
const NARROWEST_COLUMNS = 20

/** The progress of a run. */
export interface Snapshot {
  /** Outcomes of earlier runs. */
  readonly before: number
  readonly stats: Stats
  /** Records that were read, including the records of earlier runs. */
  readonly read: number
  /** Their share of the input, from 0 to 1. `undefined`: the size of the input is not known. */
  readonly share: number | undefined
  /** Largest number of records to read. */
  readonly limit: number
  /** Milliseconds since the first record was sent. */
  readonly elapsed: number
  /** Outcomes per second. Default: the average since the first record was sent. */
  readonly perSecond?: number
}

/** Whether standard error is a terminal that can draw one line again and again. */
export function canRedraw({ stderr, env }: Io): boolean {
  return stderr.isTTY === true && (stderr.columns ?? 0) >= NARROWEST_COLUMNS && env['TERM'] !== 'dumb'
}

/** Draws the line on standard error again and again, until `stop` is called. */
export function showProgress(
  snapshot: () => Snapshot,
  { stderr }: Io,
): { note: (text: string) => void; stop: () => void } {
  const update = createLogUpdate(stderr, { showCursor: true })
  const draw = () => {
    update(progressLine(snapshot(), stderr.columns ?? 0))
  }
  const timer = setInterval(draw, DRAW_INTERVAL_MS)
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

/** The line. It has whole parts only, because half a number is a wrong number. */
export function progressLine(snapshot: Snapshot, columns: number): string {
  const { before, stats, read, share, limit, elapsed } = snapshot
  const { records, inFlight, waiting, tokens, cost } = stats
  const asked = records.fulfilled + records.rejected
  const done = before + asked
  const { perSecond = asked / Math.max(elapsed / 1_000, 0.001) } = snapshot
  // An estimate: the rest may differ. It is exact once all records were read.
  const estimate = share === undefined || read === 0 ? undefined : Math.round(read / share)
  const total = estimate === undefined ? undefined : Math.max(Math.min(estimate, limit), done)
  const part = total === undefined ? undefined : done / total
  const parts = [
    total === undefined
      ? `${whole(done)} records`
      : `${whole(done)} of ${share === 1 || total === limit ? '' : '~'}${whole(total)}`,
    ...(part === undefined ? [] : [`${Math.floor(part * 100)}%`]),
    rate(perSecond),
    ...(total === undefined || perSecond === 0 ? [] : [`ETA ${clock((total - done) / perSecond)}`]),
    ...(records.rejected > 0 ? [`${whole(records.rejected)} rejected`] : []),
    ...(cost === undefined ? [] : [money(cost)]),
    // Between two requests, a stream at the limit waits too.
    ...(waiting && inFlight === 0 ? [waits(waiting)] : []),
    `${inFlight} in flight`,
    `${whole(tokens.input + tokens.output)} tokens`,
  ]
  // Without room for everything, the bar goes first.
  const bar =
    part === undefined ? '' : `${'█'.repeat(Math.round(part * BAR_COLUMNS)).padEnd(BAR_COLUMNS, '░')}  `
  while (parts.length > 1 && parts.join('  ').length >= columns) parts.pop()
  const line = parts.join('  ')
  return bar.length + line.length < columns ? bar + line : line
}

function waits({ for: cause, until }: Waiting): string {
  const left = clock(Math.max(0, (until - Date.now()) / 1_000))
  return `waits ${left} for the ${cause === 'server' ? 'server' : 'rate limit'}`
}
