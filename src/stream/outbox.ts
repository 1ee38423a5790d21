/** Outcomes that wait to leave: as they come, or, in order, each when all before it have left. */
export class Outbox<T extends { readonly index: number }> {
  readonly #ordered: boolean
  /** In order: keyed by index. Otherwise: by number of arrival. */
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

  /** Lets all leave that wait, in their order, whatever is missing between them. Nothing may be put afterwards. */
  closeGaps(): void {
    const waiting = [...this.#waiting].sort(([a], [b]) => a - b)
    this.#waiting.clear()
    waiting.forEach(([, outcome], i) => this.#waiting.set(this.#left + i, outcome))
  }

  /** Whether one may leave that has not been taken. */
  get hasNext(): boolean {
    return this.#waiting.has(this.#left)
  }

  /** How many have left; in order, this is the index of the next one to leave. */
  get left(): number {
    return this.#left
  }
}
