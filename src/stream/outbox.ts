/** Outcomes that wait to leave: as they come, or in the order of the input. */
export class Outbox<T extends { readonly index: number }> {
  readonly #ordered: boolean
  /** The key is the index if `ordered`, and otherwise the number of arrival. */
  readonly #waiting = new Map<number, T>()
  #arrived = 0
  #left = 0

  constructor(ordered: boolean) {
    this.#ordered = ordered
  }

  put(outcome: T): void {
    this.#waiting.set(this.#ordered ? outcome.index : this.#arrived, outcome)
    this.#arrived += 1
  }

  /** The next outcome that may leave. */
  take(): T | undefined {
    const next = this.#waiting.get(this.#left)
    if (next === undefined) return undefined
    this.#waiting.delete(this.#left)
    this.#left += 1
    return next
  }

  /** Lets all waiting outcomes leave in order, despite gaps. Then `put()` is not allowed. */
  closeGaps(): void {
    const waiting = [...this.#waiting].sort(([a], [b]) => a - b)
    this.#waiting.clear()
    waiting.forEach(([, outcome], i) => this.#waiting.set(this.#left + i, outcome))
  }

  /** Whether `take()` would return an outcome. */
  get hasNext(): boolean {
    return this.#waiting.has(this.#left)
  }

  /** Number of outcomes that have left. If `ordered`, also the index of the next outcome. */
  get left(): number {
    return this.#left
  }
}
