const NONE = Buffer.alloc(0)

/**
 * The bytes of a file that are still needed: those since the start of an unfinished row, and a new chunk behind them.
 * Adding costs time in proportion to the chunk, however long the row gets.
 */
export class Carry {
  /** The bytes at hand. */
  bytes: Buffer = NONE
  /** Where in the file they begin. */
  offset = 0
  #room = NONE
  #end = 0

  /** Lets go of all before position `keepFrom` and adds a chunk. Positions after it are smaller by `keepFrom`. */
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
