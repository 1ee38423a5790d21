/** Factor by which packs become smaller after a pack was longer than the model's context. */
const SHRINK_FACTOR = 0.7
/** Share of the limit above which a pack shows that the limit fits. */
const NEARLY_FULL = 0.8
/** Factor between the limit and a pack that was too long, below which no larger pack is tried. */
const NARROW_FACTOR = 1.2
/** Factor by which a pack that was too long is forgotten with each answer. */
const FORGETTING_FACTOR = 1.001

/**
 * Learns how many tokens of records fit into the model's context. Refusals of packs of the same
 * size count once. After that, the limit grows by trial, in steps that become smaller.
 */
export class PackSize {
  readonly #most: number
  #limit: number
  /** The largest pack that fitted after a refusal. */
  #fitting = 0
  /** The smallest pack that was too long. Grows slowly, because records differ. */
  #tooLong = Infinity

  /** @param most The user's limit. */
  constructor(most: number) {
    this.#most = most
    this.#limit = most
  }

  /** Largest number of tokens of records in one pack. */
  get limit(): number {
    return this.#limit
  }

  /** A pack with this number of tokens was longer than the context. */
  refuse(tokens: number, isAlone: boolean): void {
    if (isAlone) {
      // The record is too long, so other packs need not be smaller.
      this.#limit = this.#most
      this.#tooLong = Infinity
      return
    }
    if (tokens <= this.#fitting) this.#fitting = 0
    this.#tooLong = Math.min(this.#tooLong, tokens)
    const smaller = Math.max(1, Math.min(tokens - 1, Math.ceil(tokens * SHRINK_FACTOR)))
    this.#limit = Math.min(this.#limit, Math.max(this.#fitting, smaller))
  }

  /** A pack with this number of tokens fitted. */
  accept(tokens: number): void {
    if (this.#tooLong === Infinity) return
    this.#fitting = Math.max(this.#fitting, tokens)
    this.#tooLong *= FORGETTING_FACTOR
    if (tokens < this.#limit * NEARLY_FULL || this.#tooLong < this.#limit * NARROW_FACTOR) return
    this.#limit = Math.min(this.#most, Math.floor((this.#limit + this.#tooLong) / 2))
  }
}
