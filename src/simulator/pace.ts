import { type Latency, tokensDue, type WorkClock, workUntil } from './latency.ts'

/** The receiver of one answer's tokens. */
export type Sink = {
  /**
   * Takes tokens `from` (inclusive) to `to` (exclusive). Returns `false` to ask for a pause until
   * `resume`.
   */
  send(from: number, to: number): boolean
  /** Called once, after the last token. */
  finish(): void
}

/**
 * An answer to write: the number of tokens, and the time of the first token by `performance.now()`.
 */
export type Job = { total: number; firstAt: number; latency: Latency; clock: WorkClock; sink: Sink }

/** An answer that is being written. */
export type Paced = {
  /** Goes on after the sink asked for a pause. */
  resume(): void
  /** Stops writing. `finish` will not be called. */
  stop(): void
}

/**
 * Tokens that the sink gets at once. A small number shows a full socket before a long answer fills
 * its buffer.
 */
const tokensAtOnce = 256

/**
 * Longest timer, in ms. Node fires a timer of more than 2^31 ms at once. A timer that fires early
 * only reads the clock again.
 */
const longestTimerMs = 60_000

/**
 * Writes an answer at the speed of its latency. Each wake-up writes every token that is due since
 * the start. So the timer's precision of 1 ms delays single tokens, but the delays do not add up.
 * At most one timer is set at any time.
 */
export function runPaced({ total, firstAt, latency, clock, sink }: Job): Paced {
  let sent = 0
  let startWork: number | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const wakeIn = (delay: number) => {
    timer = setTimeout(pump, Math.min(Math.max(delay, 1), longestTimerMs))
  }

  function pump(): void {
    timer = undefined
    const now = performance.now()
    if (now < firstAt) {
      wakeIn(firstAt - now)
      return
    }
    // The wake-up came shortly after the first token was due. Writing began at the due time, not
    // now.
    startWork ??= clock.read(now) - (now - firstAt) * clock.speed
    const work = clock.read(now) - startWork
    const due = tokensDue(latency, work, total)
    while (sent < due) {
      const from = sent
      sent = Math.min(due, sent + tokensAtOnce)
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
