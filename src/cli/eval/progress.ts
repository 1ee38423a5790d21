import type { EvalProgress } from '../../eval/index.ts'
import { say, type Io } from '../io.ts'
import { canRedraw, LiveLine } from '../terminal/live-line.ts'
import { Rate } from '../terminal/rate.ts'
import { clock, money, rate, whole } from '../terminal/words.ts'
import type { EvalFlags } from './flags.ts'

const DRAW_INTERVAL_MS = 100
/** Time between two lines in a pipe or a log, in ms. */
const LOG_INTERVAL_MS = 10_000

/** The line. It has whole parts only, because half a number is a wrong number. */
export function progressLine(
  { arm, done, total, cost, stopped }: EvalProgress,
  perSecond: number,
  columns: number,
): string {
  const parts = [
    `${whole(done)} of ${whole(total)}`,
    `${Math.floor((100 * done) / total)}%`,
    arm,
    ...(cost === undefined ? [] : [money(cost)]),
    rate(perSecond),
    ...(perSecond > 0 ? [`ETA ${clock((total - done) / perSecond)}`] : []),
    ...(stopped.length > 0 ? [`stopped early: ${stopped.join(', ')}`] : []),
  ]
  while (parts.length > 1 && parts.join('  ').length >= columns) parts.pop()
  const line = parts.join('  ')
  return line.length >= columns ? '' : line
}

export interface Told {
  readonly say: (text: string) => void
  readonly stop: () => void
}

/** Tells a person how far an eval is: in a line of a terminal, or in lines of a log. */
export function tellProgress(
  progress: () => EvalProgress | undefined,
  { progress: isWanted, quiet, json }: EvalFlags,
  io: Pick<Io, 'stderr' | 'env'>,
): Told {
  const { stderr } = io
  const tell = (text: string): void => {
    say(io, text)
  }
  // A program reads the report.
  if (isWanted === false || quiet || (json && !stderr.isTTY)) return { say: tell, stop: () => undefined }
  const speed = new Rate()
  const line = (columns: number): string => {
    const seen = progress()
    if (!seen) return ''
    return progressLine(seen, speed.add(performance.now(), seen.done), columns)
  }
  line(Infinity)
  if (!canRedraw(io)) {
    const timer = setInterval(() => {
      const text = line(Infinity)
      if (text !== '') tell(text)
    }, LOG_INTERVAL_MS)
    return {
      say: tell,
      stop() {
        clearInterval(timer)
      },
    }
  }
  const live = new LiveLine(stderr)
  const draw = (): void => {
    live.draw(line(stderr.columns ?? 0))
  }
  const timer = setInterval(draw, DRAW_INTERVAL_MS)
  return {
    say(text) {
      live.note(text)
    },
    stop() {
      clearInterval(timer)
      live.clear()
    },
  }
}
