import { CR, LF, QUOTE } from './chars.ts'
/**
 * Makes lines end with LF in a file whose first line ends with CR alone, as on old Macs. The number
 * of bytes stays the same. In all other files, CR alone is a character of a line.
 */
export class LineEnds {
  readonly #quotes: boolean
  #isQuoted = false
  /** Whether a first line has ended with CR alone. `undefined`: no line has ended. */
  #isOld: boolean | undefined
  /** A CR at the end of a piece, which may be the first half of a CRLF. */
  #held: Buffer = Buffer.alloc(0)

  /** @param quotes Whether a line end between quotes belongs to a cell. */
  constructor(quotes: boolean) {
    this.#quotes = quotes
  }

  mend(chunk: Buffer, isLast: boolean): Buffer {
    if (this.#isOld === false) return chunk
    const bytes = Buffer.concat([this.#held, chunk])
    this.#held = bytes.subarray(bytes.length)
    let first = 0
    if (this.#isOld === undefined) {
      first = this.#firstEnd(bytes)
      if (first === bytes.length) return bytes
      if (bytes[first] === CR && first + 1 === bytes.length && !isLast) return this.#hold(bytes)
      this.#isOld = bytes[first] === CR && bytes[first + 1] !== LF
      if (!this.#isOld) return bytes
    }
    for (let at = bytes.indexOf(CR, first); at >= 0; at = bytes.indexOf(CR, at + 1)) {
      if (at + 1 === bytes.length && !isLast) return this.#hold(bytes)
      if (bytes[at + 1] !== LF) bytes[at] = LF
    }
    return bytes
  }

  #hold(bytes: Buffer): Buffer {
    this.#held = bytes.subarray(-1)
    return bytes.subarray(0, -1)
  }

  #firstEnd(bytes: Buffer): number {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]
      if (byte === QUOTE && this.#quotes) this.#isQuoted = !this.#isQuoted
      else if ((byte === LF || byte === CR) && !this.#isQuoted) return at
    }
    return bytes.length
  }
}
