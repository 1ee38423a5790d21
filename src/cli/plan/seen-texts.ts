import { createHash } from 'node:crypto'

/** How many are remembered, in some 50 MB. */
const MOST = 1_000_000

/** Which texts came before, as a stream with a cache sees it: the same text in another partition is another one. */
export class SeenTexts {
  /** Hashes of 48 bits: of a million texts hardly two share one. */
  readonly #hashes = new Set<number>()
  readonly #most: number
  /** Texts that came when there was no room for more. */
  unremembered = 0

  constructor(most = MOST) {
    this.#most = most
  }

  /** Whether the text came before. From now on it did. */
  hasSeen(text: string, partition: string | undefined): boolean {
    const hash = createHash('sha256')
      .update(JSON.stringify([partition, text]))
      .digest()
      .readUIntBE(0, 6)
    if (this.#hashes.has(hash)) return true
    if (this.#hashes.size < this.#most) this.#hashes.add(hash)
    else this.unremembered += 1
    return false
  }
}
