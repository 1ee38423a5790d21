import { LONGEST_TIMER_MS } from './timer-limit.ts'

/** A single timer for the next action. All times are from `performance.now()`, in ms. */
export class Alarm {
  readonly #ring: () => void
  #cancel: (() => void) | undefined
  #due = Infinity

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /**
   * Rings at `due` instead of at the time that was set before. `Infinity` means never. If `due` is
   * not after `now`, the alarm rings at the end of this turn of the event loop. It may ring early:
   * by a fraction of a ms, or after 24 days.
   */
  set(due: number, now: number): void {
    if (due === this.#due) return
    this.#cancel?.()
    this.#cancel = undefined
    this.#due = due
    if (due === Infinity) return
    const ring = (): void => {
      this.#due = Infinity
      this.#ring()
    }
    // A timer would wait for at least 1 ms.
    if (due <= now) {
      const immediate = setImmediate(ring)
      this.#cancel = () => {
        clearImmediate(immediate)
      }
    } else {
      const timer = setTimeout(ring, Math.min(Math.ceil(due - now), LONGEST_TIMER_MS))
      this.#cancel = () => {
        clearTimeout(timer)
      }
    }
  }
}
