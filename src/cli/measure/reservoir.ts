const SEED = 1_234_567
const MODULUS = 2_147_483_647
/** Numbers that are drawn first: the first numbers of near seeds are near to each other. */
const WARM_UP = 3

/**
 * A fair sample of any number of values. The same values in the same order, and the same seed, give
 * the same sample.
 */
export class Reservoir<T> {
  readonly #kept: { readonly at: number; readonly value: T }[] = []
  readonly #size: number
  #state: number
  #seen = 0

  /** @param seed A whole number. */
  constructor(size: number, seed = SEED) {
    this.#size = size
    // From 1 on: the generator never leaves 0.
    this.#state = (((seed % (MODULUS - 1)) + MODULUS - 1) % (MODULUS - 1)) + 1
    for (let i = 0; i < WARM_UP; i += 1) this.#random()
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
    this.#state = (this.#state * 48_271) % MODULUS
    return this.#state / MODULUS
  }
}
