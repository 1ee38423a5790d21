/** Most points of a series. */
const MOST_POINTS = 200
/** Least time between two points at first, in ms. */
const FIRST_STEP_MS = 20

interface Timed {
  /** Milliseconds since the start. */
  readonly t: number
}

/** A value over a time of any length, at a bounded number of points. */
export class Series<T extends Timed> {
  #kept: T[] = []
  /** Least time between two kept points. It grows with the time. */
  #step = FIRST_STEP_MS
  #last: T | undefined

  /** @param point Not earlier than the points before. */
  add(point: T): void {
    this.#last = point
    if (point.t < (this.#kept.at(-1)?.t ?? -Infinity) + this.#step) return
    this.#kept.push(point)
    // One place is for the last point.
    if (this.#kept.length < MOST_POINTS) return
    while (this.#kept.length > MOST_POINTS / 2) this.#thinOut()
  }

  /** The first point, the last point, and points between them. */
  get points(): readonly T[] {
    const last = this.#last
    return last === undefined || this.#kept.at(-1) === last ? this.#kept : [...this.#kept, last]
  }

  #thinOut(): void {
    this.#step *= 2
    let next = -Infinity
    this.#kept = this.#kept.filter(({ t }) => {
      if (t < next) return false
      next = t + this.#step
      return true
    })
  }
}
