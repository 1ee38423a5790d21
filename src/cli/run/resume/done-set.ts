/**
 * The indexes of records in the output. Each takes one bit, so that millions need little memory.
 */
export class DoneSet {
  #bits = new Uint8Array(1_024)
  #size = 0

  get size(): number {
    return this.#size
  }

  has(index: number): boolean {
    return ((this.#bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0
  }

  /** Returns false if the set has it already. */
  add(index: number): boolean {
    if (this.has(index)) return false
    const at = index >> 3
    if (at >= this.#bits.length) {
      const larger = new Uint8Array(Math.max(at + 1, this.#bits.length * 2))
      larger.set(this.#bits)
      this.#bits = larger
    }
    this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (index & 7))
    this.#size += 1
    return true
  }
}
