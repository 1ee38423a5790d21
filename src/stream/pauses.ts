import { publish } from '../accounts/diagnostics.ts'
import type { Waiting } from '../accounts/stats.ts'
import type { Pause } from '../limits/congestion.ts'

/** Time by which the end of a pause must move to be news, in ms. Delays are rounded. */
const NEWS_MS = 1

/** The pauses of a stream, for its statistics and its diagnostics. */
export class Pauses {
  readonly #stream: object
  #now: Pause | undefined
  /** The latest end of all pauses that were published. */
  #toldUntil = -Infinity

  constructor(stream: object) {
    this.#stream = stream
  }

  /** The stream is in this pause, or in none. */
  set(pause: Pause | undefined): void {
    this.#now = pause
    if (!pause || pause.until <= this.#toldUntil + NEWS_MS) return
    this.#toldUntil = pause.until
    publish('waiting', this.#stream, () => waitingOf(pause))
  }

  get waiting(): Waiting | undefined {
    return this.#now && waitingOf(this.#now)
  }
}

/** The engine's clock is `performance.now()`. Other programs do not know that clock. */
function waitingOf({ for: cause, until, said }: Pause): Waiting {
  return { for: cause, until: Math.round(Date.now() + until - performance.now()), said }
}
