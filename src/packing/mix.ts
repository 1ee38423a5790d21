import { seededRandom } from '../base/random.ts'

/** The seed of the stream, so that the same input gives the same packs. */
const SEED = 1

/**
 * A window before the packer. It collects items and gives them out in an order drawn by a seed, so
 * that the neighbours of an item in the input are not its neighbours in a pack.
 *
 * The window gives out all its items at once. So the order depends on the input alone, and not on
 * the time at which a pack leaves. The caller passes the time.
 */
export class Mix<T> {
  readonly #size: number
  readonly #lingerMs: number
  readonly #random: () => number
  #items: T[] = []
  #due = Infinity

  /**
   * @param size Number of items in a full window. 0: each item is given out alone.
   * @param lingerMs Time that the first item waits for others.
   */
  constructor(size: number, lingerMs: number, seed = SEED) {
    this.#size = size
    this.#lingerMs = lingerMs
    this.#random = seededRandom(seed)
  }

  add(item: T, now: number): void {
    if (this.isEmpty) this.#due = now + this.#lingerMs
    this.#items.push(item)
  }

  get isEmpty(): boolean {
    return this.#items.length === 0
  }

  get isFull(): boolean {
    return this.#items.length >= this.#size
  }

  /** Time at which the first item has waited long enough. `Infinity` if the window is empty. */
  get due(): number {
    return this.#due
  }

  /** Takes all items out, in a random order. */
  take(): T[] {
    const items = this.#items
    this.#items = []
    this.#due = Infinity
    for (let rest = items.length; rest > 1; rest--) {
      const drawn = Math.floor(this.#random() * rest)
      const last = items[rest - 1] as T
      items[rest - 1] = items[drawn] as T
      items[drawn] = last
    }
    return items
  }
}
