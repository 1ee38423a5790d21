const SEED = 1_234_567

/**
 * A fair sample of any number of values. The same values in the same order give the same sample.
 */
export class Reservoir<T> {
  readonly #kept: { readonly at: number; readonly value: T }[] = []
  readonly #size: number
  #state = SEED
  #seen = 0

  constructor(size: number) {
    this.#size = size
  }

  get seen(): number {
    return this.#seen
  }

  /** @param make Makes the value. It runs only for a value that the sample takes. */
  offer(make: () => T): void {
    const at = this.#seen++
    const place = at < this.#size ? at : Math.floor(this.#random() * this.#seen)
    if (place < this.#size) this.#kept[place] = { at, value: make() }
  }

  /** The sample, in the order of the input. */
  get values(): T[] {
    return this.#kept.toSorted((a, b) => a.at - b.at).map(({ value }) => value)
  }

  /** From 0 to 1: the generator MINSTD of Park and Miller. */
  #random(): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647
    return this.#state / 2_147_483_647
  }
}
