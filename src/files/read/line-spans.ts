import { Carry } from './carry.ts'

const LF = 0x0a
const CR = 0x0d
const QUOTE = 0x22

/** Where a row lies in the bytes at hand. */
export interface Span {
  readonly start: number
  /** Its end without the line end. */
  readonly end: number
  /** Where the next row starts. */
  readonly next: number
  /** The line where it starts, from 1. */
  readonly line: number
  readonly terminated: boolean
  /** How many lines it goes over. */
  readonly lines: number
  /** Why it can be no row, whatever it holds. */
  readonly problem?: 'too_long' | 'unclosed_quote' | undefined
  /** Its length in bytes. `start` and `end` say nothing of one that was too long. */
  readonly size: number
}

export interface SpanOptions {
  /** A row of more bytes, line end not counted, is `too_long`. */
  readonly maxBytes: number
  /** CSV: a line break between quotes ends no row. */
  readonly quotes?: boolean
}

/**
 * Cuts bytes into rows at line breaks, without reading them.
 *
 * In CSV a line break ends the row if the quotes before it are even in number. That is exact for each row that is valid,
 * and needs no more than counting; one that is not valid is found out when it is parsed, and `resumeAfterFirstLine` takes
 * back what it had swallowed.
 */
export class Spans {
  readonly carry = new Carry()
  /** CSV: whether a line could be a row by itself: what tells a forgotten quote from a field that is really long. */
  looksLikeRow: (line: Buffer) => boolean = () => false
  readonly #maxBytes: number
  readonly #quotes: boolean
  #line = 1
  /** Where the current row starts, and how far it has been looked through. */
  #from = 0
  #at = 0
  #isQuoted = false
  #breaks = 0
  /** Bytes of the current row that were let go of as it is too long. */
  #skipped: number | undefined

  constructor({ maxBytes, quotes = false }: SpanOptions) {
    this.#maxBytes = maxBytes
    this.#quotes = quotes
  }

  append(chunk: Buffer): void {
    this.carry.append(chunk, this.#from)
    this.#at -= this.#from
    this.#from = 0
  }

  /** Leaves out bytes at the very start. */
  skip(bytes: number): void {
    this.#from += bytes
    this.#at += bytes
  }

  /** The next row, if it is all there; at the end of the file, the rest of it. */
  next(isLast: boolean): Span | undefined {
    for (;;) {
      const { bytes } = this.carry
      const limit = this.#skipped === undefined ? this.#from + this.#maxBytes + 1 : Infinity
      const to = Math.min(bytes.length, limit)
      if (this.#quotes ? this.#findUnquotedBreak(bytes, to) : this.#findBreak(bytes, to)) {
        return this.#finish(this.#at, this.#at + 1)
      }
      if (this.#skipped !== undefined) {
        this.#skipped += this.#at - this.#from
        this.#from = this.#at
      }
      if (to === limit) {
        const first = this.#firstLineOfMany(bytes.subarray(this.#from, to))
        if (first) return first
        this.#skipped = 0
        continue
      }
      if (!isLast || (this.#from === bytes.length && this.#skipped === undefined)) return undefined
      if (this.#isQuoted && this.#skipped === undefined) return this.#firstLine()
      return this.#finish(bytes.length, bytes.length)
    }
  }

  /** Takes back all of a row but its first line, and all rows after it. */
  resumeAfterFirstLine(span: Span): Span {
    this.#from = span.start
    this.#line = span.line
    this.#skipped = undefined
    return this.#firstLine()
  }

  #findBreak(bytes: Buffer, to: number): boolean {
    const at = bytes.indexOf(LF, this.#at)
    const isFound = at >= 0 && at < to
    this.#at = isFound ? at : to
    if (isFound) this.#breaks++
    return isFound
  }

  #findUnquotedBreak(bytes: Buffer, to: number): boolean {
    let at = this.#at
    let isQuoted = this.#isQuoted
    let isFound = false
    for (; at < to; at++) {
      const byte = bytes[at]
      if (byte === QUOTE) isQuoted = !isQuoted
      else if (byte === LF) {
        this.#breaks++
        if (isQuoted) continue
        isFound = true
        break
      }
    }
    this.#at = at
    this.#isQuoted = isQuoted
    return isFound
  }

  #finish(end: number, next: number, problem?: Span['problem']): Span {
    const { bytes } = this.carry
    const terminated = next > end
    const start = this.#from
    const span: Span = {
      start,
      end: end > start && bytes[end - 1] === CR ? end - 1 : end,
      next,
      line: this.#line,
      terminated,
      lines: this.#breaks + (terminated ? 0 : 1),
      problem: this.#skipped === undefined ? problem : 'too_long',
      size: (this.#skipped ?? 0) + end - start,
    }
    this.#line += this.#breaks
    this.#from = next
    this.#at = next
    this.#breaks = 0
    this.#isQuoted = false
    this.#skipped = undefined
    return span
  }

  #firstLine(): Span {
    const { bytes } = this.carry
    const at = bytes.indexOf(LF, this.#from)
    this.#breaks = at < 0 ? 0 : 1
    return at < 0
      ? this.#finish(bytes.length, bytes.length, 'unclosed_quote')
      : this.#finish(at, at + 1, 'unclosed_quote')
  }

  /** If most lines of what would be one row look like rows themselves, a quote was forgotten in the first of them. */
  #firstLineOfMany(bytes: Buffer): Span | undefined {
    if (!this.#quotes) return undefined
    let count = 0
    let like = 0
    let start = bytes.indexOf(LF) + 1
    for (let end; start > 0 && (end = bytes.indexOf(LF, start)) >= 0; start = end + 1) {
      count++
      if (this.looksLikeRow(bytes.subarray(start, end))) like++
    }
    return 2 * like > count ? this.#firstLine() : undefined
  }
}
