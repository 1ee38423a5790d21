import type { Stats } from '../../index.ts'
import { say, type Io } from '../io.ts'
import { canRedraw, progressLine, showProgress } from '../terminal/progress.ts'

/** How often a log is told how far it is, and over how long a terminal's rate is taken, in ms. */
const MINUTE = 60_000
const RECENT = 10_000

/** Where a worker tells what happens, and how far it is. */
export interface Teller {
  say: (text: string) => void
  stop: () => void
}

export function openTeller(stats: () => Stats, isQuiet: boolean, io: Io): Teller {
  const tell = (text: string): void => {
    say(io, text)
  }
  if (isQuiet) return { say: tell, stop: () => undefined }
  return canRedraw(io) ? onTerminal(stats, io) : inLog(stats, tell)
}

function onTerminal(stats: () => Stats, io: Io): Teller {
  const rate = new Rate(RECENT)
  const progress = showProgress(() => snapshot(stats(), rate), io)
  return { say: progress.note, stop: progress.stop }
}

/** Nothing where nothing has happened. */
function inLog(stats: () => Stats, tell: Teller['say']): Teller {
  const rate = new Rate(MINUTE)
  let before = done(stats())
  const timer = setInterval(() => {
    const now = stats()
    const line = progressLine(snapshot(now, rate), Infinity)
    if (done(now) > before || now.inFlight > 0) tell(line)
    before = done(now)
  }, MINUTE)
  timer.unref()
  return {
    say: tell,
    stop() {
      clearInterval(timer)
    },
  }
}

function snapshot(stats: Stats, rate: Rate) {
  const perSecond = rate.add(performance.now(), done(stats))
  return {
    before: 0,
    stats,
    read: stats.records.read,
    share: undefined,
    limit: Infinity,
    elapsed: 0,
    perSecond,
  }
}

function done({ records }: Stats): number {
  return records.fulfilled + records.rejected
}

/** Records a second of late: a worker that had nothing to do all night is not a slow one. */
export class Rate {
  readonly #samples: { at: number; done: number }[] = [{ at: performance.now(), done: 0 }]
  readonly #window: number

  constructor(window: number) {
    this.#window = window
  }

  add(at: number, done: number): number {
    this.#samples.push({ at, done })
    // The first one is as old as the window, or the oldest that there is.
    while ((this.#samples[1]?.at ?? Infinity) <= at - this.#window) this.#samples.shift()
    const first = this.#samples[0] ?? { at, done }
    return ((done - first.done) / Math.max(at - first.at, 1)) * 1_000
  }
}
