import type { Stats } from '../../index.ts'
import { say, type Io } from '../io.ts'
import { canRedraw, progressLine, showProgress } from '../terminal/progress.ts'
import { tellStandstills } from '../terminal/standstill.ts'

/** Interval between two lines of a log. */
const LOG_INTERVAL_MS = 60_000
/** Period of the rate on a terminal. */
const RATE_PERIOD_MS = 10_000

/** Tells a person the events and the progress of a worker. */
export interface Teller {
  say: (text: string) => void
  stop: () => void
}

export function openTeller(stats: () => Stats, isQuiet: boolean, io: Io): Teller {
  const tell = (text: string): void => {
    say(io, text)
  }
  const quiet = { say: tell, stop: () => undefined }
  const teller = isQuiet ? quiet : canRedraw(io) ? onTerminal(stats, io) : inLog(stats, tell)
  const offStandstills = tellStandstills(stats, teller.say)
  return {
    say: teller.say,
    stop() {
      offStandstills()
      teller.stop()
    },
  }
}

function onTerminal(stats: () => Stats, io: Io): Teller {
  const rate = new Rate(RATE_PERIOD_MS)
  const progress = showProgress(() => snapshot(stats(), rate), io)
  return { say: progress.note, stop: progress.stop }
}

/** Writes the progress to a log. Writes nothing while nothing happens. */
function inLog(stats: () => Stats, tell: Teller['say']): Teller {
  const rate = new Rate(LOG_INTERVAL_MS)
  let before = done(stats())
  const timer = setInterval(() => {
    const now = stats()
    const line = progressLine(snapshot(now, rate), Infinity)
    if (done(now) > before || now.inFlight > 0) tell(line)
    before = done(now)
  }, LOG_INTERVAL_MS)
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

/** Records per second in the last period. A night without work does not make a worker slow. */
export class Rate {
  readonly #samples: { at: number; done: number }[] = [{ at: performance.now(), done: 0 }]
  readonly #periodMs: number

  constructor(periodMs: number) {
    this.#periodMs = periodMs
  }

  add(at: number, done: number): number {
    this.#samples.push({ at, done })
    // The first sample is as old as the period, or the oldest sample.
    while ((this.#samples[1]?.at ?? Infinity) <= at - this.#periodMs) this.#samples.shift()
    const first = this.#samples[0] ?? { at, done }
    return ((done - first.done) / Math.max(at - first.at, 1)) * 1_000
  }
}
