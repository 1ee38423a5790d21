import { LONGEST_TIMER } from './timer-limit.ts'

/** A single timer for the next action. All times are from `performance.now()`, in ms. */
export class Alarm {
  readonly #ring: () => void
  #timer: NodeJS.Timeout | undefined
  #due = Infinity

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /**
   * Rings at `due` instead of at the time that was set before. `Infinity` means never. The alarm
   * may ring early: by a fraction of a ms, or after 24 days.
   */
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
