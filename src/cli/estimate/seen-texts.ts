import { identityOf } from '../../engine/index.ts'

/** Number of texts that are remembered, in about 50 MB. */
export const MOST_TEXTS = 1_000_000

/**
 * Knows which texts came before, as a stream with a cache does. In another partition a text is
 * another text.
 */
export class SeenTexts {
  /**
   * The first 48 bits of each identity: among a million texts there is hardly a pair with the same
   * bits.
   */
  readonly #seen = new Set<number>()
  readonly #most: number
  /** Texts that came when the memory was full. */
  unremembered = 0

  constructor(most = MOST_TEXTS) {
    this.#most = most
  }

  /** Whether the text came before. It counts as seen from now on. */
  hasSeen(text: string, partition: string | undefined): boolean {
    const bits = identityOf('', partition, text).readUIntBE(0, 6)
    if (this.#seen.has(bits)) return true
    if (this.#seen.size < this.#most) this.#seen.add(bits)
    else this.unremembered += 1
    return false
  }
}
