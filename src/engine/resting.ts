import type { Pause } from '../limits/congestion.ts'
import type { Entry } from '../record/entry.ts'

/** A request that has ended and still takes a slot. */
interface Rest<R> {
  /** Records that have to be sent again. */
  readonly again: readonly Entry<R>[]
  readonly pause: Pause
  /** Whether the consumer has taken the outcomes of the rejected records. */
  isDelivered: boolean
}

/** The ended requests that still take a slot: for a pause, or until their outcomes are taken. */
export class Resting<R> {
  readonly #rests = new Map<object, Rest<R>>()

  get size(): number {
    return this.#rests.size
  }

  /** @param request The request that has ended. */
  add(request: object, rest: Rest<R>): void {
    this.#rests.set(request, rest)
  }

  /** The consumer has taken the outcomes of a request. */
  delivered(request: object): void {
    const rest = this.#rests.get(request)
    if (rest) rest.isDelivered = true
  }

  /**
   * Frees the slots whose rest is over. Returns their records that have to be sent again.
   *
   * @param isStopped Whether pauses no longer count.
   */
  wake(now: number, isStopped: boolean): Entry<R>[] {
    const awake = Array.from(this.#rests).filter(
      ([, { isDelivered, pause }]) => isDelivered && (pause.until <= now || isStopped),
    )
    for (const [request] of awake) this.#rests.delete(request)
    return awake.flatMap(([, { again }]) => again)
  }

  /** The pause that ends first, if it ends before a time. */
  firstPause(before: number): Pause | undefined {
    let first: Pause | undefined
    for (const { isDelivered, pause } of this.#rests.values()) {
      if (isDelivered && pause.until < (first?.until ?? before)) first = pause
    }
    return first
  }
}
