import { CR, LF, QUOTE } from './chars.ts'
import { Carry } from './carry.ts'
import { afterMarks } from './utf8.ts'

/** The place of a row in the current bytes. */
export interface Span {
  readonly start: number
  /** Whether a byte order mark stands before it. */
  readonly isMarked: boolean
  /** Its end without the line end. */
  readonly end: number
  /** Where the next row starts. */
  readonly next: number
  /** Its first line, from 1. */
  readonly line: number
  readonly terminated: boolean
  /** Number of lines. */
  readonly lines: number
  /** Why the span cannot be a row. */
  readonly problem?: 'too_long' | 'unclosed_quote' | undefined
  /** Its length in bytes. `start` and `end` do not give the length of a span that is too long. */
  readonly size: number
}

export interface SpanOptions {
  /** A row of more bytes, line end not counted, is `too_long`. */
  readonly maxBytes: number
  /** CSV: a line break between quotes does not end a row. */
  readonly quotes?: boolean
}

/**
 * Cuts bytes into rows at line breaks, without reading them.
 *
 * In CSV, a line break ends the row if the number of quotes before it is even. That is exact for
 * each valid row, and needs only counting. The parser finds an invalid row later, and
 * `resumeAfterFirstLine` then takes back the lines that the row had swallowed.
 */
export class Spans {
  readonly carry = new Carry()
  /**
   * CSV: whether a line could be a row by itself. That separates a forgotten quote from a long
   * field.
   */
  looksLikeRow: (line: Buffer) => boolean = () => false
  readonly #maxBytes: number
  readonly #quotes: boolean
  #line = 1
  /** Start of the current row, and the position of the search for its end. */
  #from = 0
  #at = 0
  #isQuoted = false
  #breaks = 0
  /** Bytes of the current row that were dropped, because it is too long. */
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

  /** The next row, if it is complete; at the end of the file, the rest of the file. */
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

  /** Takes back a row, except its first line, and all rows after it. */
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
    const start = this.#skipped === undefined ? afterMarks(bytes, this.#from, end) : this.#from
    const span: Span = {
      start,
      isMarked: start > this.#from,
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

  /** The first line, if most lines of the row look like rows: its quote is not closed. */
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
