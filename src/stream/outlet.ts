import { Outbox } from './outbox.ts'

/**
 * The readable side. Lets outcomes out while there is room. Otherwise it makes the producer wait.
 */
export class Outlet<T extends { readonly index: number }> {
  readonly #outbox: Outbox<T>
  readonly #push: (outcome: T) => boolean
  #isFull = false
  #isClosed = false
  #waiting: (() => void)[] = []

  /**
   * @param ordered Whether outcomes leave in the order of their indexes.
   * @param push Takes an outcome. Returns whether there is room for another, as `Readable.push`
   *   does.
   */
  constructor(ordered: boolean, push: (outcome: T) => boolean) {
    this.#outbox = new Outbox(ordered)
    this.#push = push
  }

  /** Number of outcomes that have left. */
  get left(): number {
    return this.#outbox.left
  }

  /** Whether an outcome waits only for the consumer. */
  get isBlocked(): boolean {
    return this.#outbox.hasNext
  }

  /** Lets an outcome out. Returns a promise if the caller has to wait for room. */
  emit(outcome: T): Promise<void> | undefined {
    this.#outbox.put(outcome)
    return this.#letOut() ? undefined : this.#drain()
  }

  /** No more outcomes come. Lets out the outcomes that wait for earlier outcomes. */
  closeGaps(): void {
    this.#outbox.closeGaps()
    this.#letOut()
  }

  /** The consumer wants more outcomes. */
  resume(): void {
    this.#isFull = false
    if (this.#letOut()) this.#release()
  }

  /** No more outcomes leave. No producer needs to wait any longer. */
  close(): void {
    this.#isClosed = true
    this.#release()
  }

  /** Lets out as many outcomes as there is room for. Returns whether all outcomes have left. */
  #letOut(): boolean {
    while (!this.#isFull) {
      const outcome = this.#outbox.take()
      if (!outcome) return true
      this.#isFull = !this.#push(outcome)
    }
    return false
  }

  async #drain(): Promise<void> {
    while (this.#isFull && !this.#isClosed) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
