import { Outbox } from './outbox.ts'

/**
 * The readable side: lets outcomes out while there is room, and makes whoever produces them wait while there is none.
 */
export class Outlet<T extends { readonly index: number }> {
  readonly #outbox: Outbox<T>
  readonly #push: (outcome: T) => boolean
  #isFull = false
  #isClosed = false
  #waiting: (() => void)[] = []

  /**
   * @param ordered Whether outcomes leave in the order of their indexes, rather than as they come.
   * @param push Takes an outcome, and says whether there is room for another, as `Readable.push` does.
   */
  constructor(ordered: boolean, push: (outcome: T) => boolean) {
    this.#outbox = new Outbox(ordered)
    this.#push = push
  }

  /** How many outcomes have left. */
  get left(): number {
    return this.#outbox.left
  }

  /** Whether an outcome waits for the consumer, and for nothing else. */
  get isBlocked(): boolean {
    return this.#outbox.hasNext
  }

  /** Lets an outcome out, at once if there is room. Otherwise returns a promise that lasts until there is some. */
  emit(outcome: T): Promise<void> | undefined {
    this.#outbox.put(outcome)
    return this.#letOut() ? undefined : this.#drain()
  }

  /** Nothing more will come: lets out what waits for others before it. */
  closeGaps(): void {
    this.#outbox.closeGaps()
    this.#letOut()
  }

  /** The consumer wants more. */
  resume(): void {
    this.#isFull = false
    if (this.#letOut()) this.#release()
  }

  /** Nothing will leave any more: nobody needs to wait. */
  close(): void {
    this.#isClosed = true
    this.#release()
  }

  /** False once there is no more room. */
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
