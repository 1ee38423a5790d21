/**
 * Time for which a turn is kept after the promised start, in ms. Then others may start first.
 */
const GRACE_MS = 1_000

/** The turn of a listener that was told to wait. */
interface Turn {
  /** Tokens that the request will be charged. */
  readonly tokens: number
  /** Time until which this turn is kept, in ms. */
  readonly keptUntil: number
}

/** The callers that wait for the limiter, in the order in which they came. */
export class Turns {
  readonly #listeners = new Set<() => void>()
  readonly #turns = new Map<() => void, Turn>()

  /** The requests and tokens of all turns before a listener's turn, or of all turns. */
  before(listener: (() => void) | undefined, now: number): { requests: number; tokens: number } {
    const before = { requests: 0, tokens: 0 }
    for (const [other, turn] of this.#turns) {
      if (other === listener) break
      if (turn.keptUntil < now) continue
      before.requests += 1
      before.tokens += turn.tokens
    }
    return before
  }

  /** A listener was told to wait for `delay` ms. */
  promise(listener: () => void, tokens: number, delay: number, now: number): void {
    // A request that waits for another request's end has no start time. It comes first when that
    // request ends, because the listeners are called in turn.
    const keptUntil = delay < Infinity ? now + delay + GRACE_MS : -Infinity
    this.#turns.set(listener, { tokens, keptUntil })
  }

  /** The listener has had its turn. */
  over(listener: () => void): void {
    this.#turns.delete(listener)
  }

  /** Lets the next `call()` call the listener, once. */
  listen(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** Does not call the listener any more, and gives up its turn. */
  forget(listener: () => void): void {
    this.#listeners.delete(listener)
    // The listeners behind it move up.
    if (this.#turns.delete(listener)) this.call()
  }

  /** Calls the listeners in their turns. */
  call(): void {
    // Only the listeners that wait at this moment are called. A listener that waits again is called
    // the next time. A listener that was forgotten is not called.
    for (const listener of new Set([...this.#turns.keys(), ...this.#listeners])) {
      if (this.#listeners.delete(listener)) listener()
    }
  }
}
