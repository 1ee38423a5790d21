import { type Latency, tokensDue, type WorkClock, workUntil } from './latency.ts'

/** Where the tokens of one answer go. */
export type Sink = {
  /** Takes tokens `from` (inclusive) to `to` (exclusive); `false` asks to wait until `resume`. */
  send(from: number, to: number): boolean
  /** Called once, after the last token. */
  finish(): void
}

/** One answer to write: how many tokens, and when (on the `performance.now()` clock) the first is due. */
export type Job = { total: number; firstAt: number; latency: Latency; clock: WorkClock; sink: Sink }

/** A running answer. */
export type Paced = {
  /** The sink can take more. */
  resume(): void
  /** Writes no more; `finish` will not be called. */
  stop(): void
}

/** Tokens handed over at once, so that a full socket is noticed before a whole long answer is in its buffer. */
const slice = 256

/** Timers past 2^31 ms fire at once in Node; waking early only means looking at the clock again. */
const longestTimer = 60_000

/**
 * Writes an answer as its latency says. Each wake-up writes every token that is due by the clock since the start,
 * so the timers' grain of 1 ms delays single tokens but never adds up. One timer at most is set at any time.
 */
export function runPaced({ total, firstAt, latency, clock, sink }: Job): Paced {
  let sent = 0
  let startWork: number | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const wakeIn = (delay: number) => {
    timer = setTimeout(pump, Math.min(Math.max(delay, 1), longestTimer))
  }

  function pump(): void {
    timer = undefined
    const now = performance.now()
    if (now < firstAt) {
      wakeIn(firstAt - now)
      return
    }
    // The wake-up came somewhat after the first token was due: writing began then, not now.
    startWork ??= clock.read(now) - (now - firstAt) * clock.speed
    const work = clock.read(now) - startWork
    const due = tokensDue(latency, work, total)
    while (sent < due) {
      const from = sent
      sent = Math.min(due, sent + slice)
      if (!sink.send(from, sent) && sent < total) return
    }
    if (sent < total) {
      wakeIn((workUntil(latency, sent) - work) / clock.speed)
      return
    }
    stopped = true
    sink.finish()
  }

  pump()
  return {
    resume() {
      if (!stopped && timer === undefined) pump()
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
