import { LONGEST_TIMER } from './timer-limit.ts'

/** One timer, for the next time at which something is to be done. Times are by `performance.now()`. */
export class Alarm {
  readonly #ring: () => void
  #timer: NodeJS.Timeout | undefined
  #due = Infinity

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** Rings at that time and not at the one set before; never, if it is `Infinity`. It may ring early: by a fraction of a ms, or after 24 days. */
  set(due: number, now: number): void {
    if (due === this.#due) return
    clearTimeout(this.#timer)
    this.#due = due
    if (due === Infinity) return
    this.#timer = setTimeout(
      () => {
        this.#due = Infinity
        this.#ring()
      },
      Math.min(Math.max(0, Math.ceil(due - now)), LONGEST_TIMER),
    )
  }
}
