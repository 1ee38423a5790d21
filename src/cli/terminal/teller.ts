import { say, type Io } from '../io.ts'
import { LiveLine } from './live-line.ts'
import { Pauses, type Pause } from './pauses.ts'
import { progressLine, type Progress } from './progress-line.ts'
import { Rate } from './rate.ts'

const DRAW_INTERVAL_MS = 100
const CHECK_INTERVAL_MS = 1_000

/**
 * How a person sees a job: in a line of the terminal, in lines of a log, or only its problems, such
 * as long pauses.
 */
export type Show = 'line' | 'log' | 'problems'

/** Tells a person the progress and the events of a job. */
export interface Teller {
  say: (text: string) => void
  /** Tells no progress any more. `say` works as before. */
  stop: () => void
}

/** @param logIntervalMs Time between two lines of a log in which nothing changes, in ms. */
export function openTeller(
  progress: () => Progress,
  show: Show,
  logIntervalMs: number,
  io: Pick<Io, 'stderr'>,
): Teller {
  const rate = new Rate()
  const pauses = new Pauses()
  const tell = (text: string): void => {
    say(io, text)
  }
  const look = (columns: number): { line: string; pause: Pause | undefined; done: number } => {
    const now = Date.now()
    const seen = progress()
    const { fulfilled, rejected } = seen.stats.records
    const done = fulfilled + rejected
    const pause = pauses.look(seen.stats, now)
    return { line: progressLine({ ...seen, perSecond: rate.add(now, done), pause }, columns), pause, done }
  }
  // The first sample of the rate.
  let lastDone = look(Infinity).done
  if (show === 'line') {
    const live = new LiveLine(io.stderr)
    const draw = (): void => {
      live.draw(look(io.stderr.columns ?? 0).line)
    }
    let timer: NodeJS.Timeout | undefined = setInterval(draw, DRAW_INTERVAL_MS)
    return {
      say(text) {
        live.note(text)
        if (timer) draw()
      },
      stop() {
        clearInterval(timer)
        timer = undefined
        live.clear()
      },
    }
  }

  let isPausing = false
  let lastAt = Date.now()
  const check = (): void => {
    const { line, pause, done } = look(Infinity)
    const isNews = (pause?.isLong ?? false) !== isPausing
    isPausing = pause?.isLong ?? false
    if (show === 'problems') {
      if (isNews && pause) tell(`Waiting: ${pause.long}`)
      return
    }
    if (!isNews && Date.now() - lastAt < logIntervalMs) return
    // Nothing is written while nothing happens.
    if (isNews || pause || done !== lastDone || progress().stats.inFlight > 0) tell(line)
    lastAt = Date.now()
    lastDone = done
  }
  const timer = setInterval(check, CHECK_INTERVAL_MS)
  timer.unref()
  return {
    say: tell,
    stop() {
      clearInterval(timer)
    },
  }
}
