import { LONGEST_TIMER_MS } from './timer-limit.ts'

/** One timer, for the next time at which something is to do. Times are by `performance.now()`. */
export class Alarm {
  readonly #ring: () => void
  #cancel: (() => void) | undefined
  #due = Infinity

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /**
   * Rings at that time and not at the time set before. `Infinity`: never. A time that is not after
   * `now`: at the end of this turn of the event loop. It may ring early, by a fraction of a
   * millisecond or after 24 days.
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
    // A timer would wait for 1 ms at least.
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
