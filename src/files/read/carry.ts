const NONE = Buffer.alloc(0)

/**
 * The bytes of a file that a reader still needs: the start of an unfinished row, and a new chunk
 * behind it. `append` takes time in proportion to the chunk, for rows of any length.
 */
export class Carry {
  /** The current bytes. */
  bytes: Buffer = NONE
  /** Their position in the file. */
  offset = 0
  #room = NONE
  #end = 0

  /**
   * Drops the bytes before position `keepFrom` and adds a chunk. All positions shrink by
   * `keepFrom`.
   */
  append(chunk: Buffer, keepFrom: number): void {
    const kept = this.bytes.subarray(keepFrom)
    this.offset += keepFrom
    if (kept.length === 0) {
      this.bytes = chunk
      this.#room = NONE
      return
    }
    const length = kept.length + chunk.length
    if (this.#room.length === 0 || this.#end + chunk.length > this.#room.length) {
      this.#room = Buffer.allocUnsafeSlow(2 * length)
      kept.copy(this.#room)
      this.#end = kept.length
    }
    chunk.copy(this.#room, this.#end)
    this.#end += chunk.length
    this.bytes = this.#room.subarray(this.#end - length, this.#end)
  }
}
