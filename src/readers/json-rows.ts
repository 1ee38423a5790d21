import { isUtf8 } from 'node:buffer'
import { Carry } from './carry.ts'
import { jsonOf } from './json-value.ts'
import { NOT_UTF8, RowError, type BadRow, type Row, type RowErrorCode } from './row.ts'
import type { Rows, RowsOptions } from './rows.ts'
import { tooLongWords } from './span-row.ts'
import { rawOf } from './utf8.ts'

const MOST_ROWS = 500

const LF = 0x0a
const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPENING_BRACKET = 0x5b
const CLOSING_BRACKET = 0x5d
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d
const SPACES = new Set([0x20, 0x09, LF, 0x0d])

/**
 * The elements of a JSON array of any size.
 *
 * Brackets and quotes tell where an element ends; `JSON.parse` tells whether it is one. Once an element is not JSON,
 * nobody can say where the next begins, so nothing more of the file is read. (A parser of tokens, such as stream-json,
 * would neither bound the size of an element, nor say where it was, nor notice bytes that are not UTF-8.)
 */
export class JsonRows implements Rows {
  isOver = false
  readonly #carry = new Carry()
  readonly #options: RowsOptions
  #where: 'before' | 'between' | 'inside' | 'after' = 'before'
  #at = 0
  #line = 1
  /** The current element: its number from 1, where it starts, and what it has left open. */
  #number = 1
  #from = 0
  #fromLine = 1
  #depth = 0
  #isInString = false
  #isEscaped = false
  /** Bytes of it that were let go of as it is too long. */
  #skipped: number | undefined

  constructor(options: RowsOptions) {
    this.#options = options
  }

  append(chunk: Buffer): void {
    const keepFrom = this.#where === 'inside' ? this.#from : this.#at
    this.#carry.append(chunk, keepFrom)
    this.#at -= keepFrom
    this.#from -= keepFrom
  }

  skip(bytes: number): void {
    this.#at += bytes
  }

  next(isLast: boolean): Row[] {
    const rows: Row[] = []
    while (!this.isOver && rows.length < MOST_ROWS) {
      const row = this.#next(isLast)
      if (!row) break
      rows.push(row)
    }
    return rows
  }

  #next(isLast: boolean): Row | undefined {
    const { bytes } = this.#carry
    while (this.#at < bytes.length) {
      if (this.#where === 'inside') {
        if (this.#findEnd(bytes)) return this.#element(bytes)
        continue
      }
      const byte = bytes[this.#at] ?? 0
      if (SPACES.has(byte)) {
        if (byte === LF) this.#line++
        this.#at++
        continue
      }
      if (this.#where === 'after') return this.#stop('invalid_json', 'expected nothing after the array')
      if (this.#where === 'before') {
        if (byte !== OPENING_BRACKET) return this.#stop('not_an_array', NOT_AN_ARRAY)
        this.#where = 'between'
        this.#at++
        continue
      }
      if (byte === CLOSING_BRACKET && this.#number === 1) {
        this.#where = 'after'
        this.#at++
        continue
      }
      this.#where = 'inside'
      this.#from = this.#at
      this.#fromLine = this.#line
    }
    if (!isLast || this.#where === 'after' || this.#where === 'before') return undefined
    return this.#stop('invalid_json', `expected the array to go on, got the end of the file`)
  }

  /** Goes on to what ends the element: a comma or bracket, or a brace, which is a mistake. */
  #findEnd(bytes: Buffer): boolean {
    const limit = this.#skipped === undefined ? this.#from + this.#options.maxRecordBytes + 1 : Infinity
    const to = Math.min(bytes.length, limit)
    let at = this.#at
    let isFound = false
    for (; at < to; at++) {
      const byte = bytes[at]
      if (byte === LF) this.#line++
      if (this.#isEscaped) this.#isEscaped = false
      else if (this.#isInString) {
        if (byte === QUOTE) this.#isInString = false
        else if (byte === BACKSLASH) this.#isEscaped = true
      } else if (byte === QUOTE) this.#isInString = true
      else if (byte === OPENING_BRACKET || byte === OPENING_BRACE) this.#depth++
      else if (byte === COMMA || byte === CLOSING_BRACKET || byte === CLOSING_BRACE) {
        if (this.#depth === 0) {
          isFound = true
          break
        }
        if (byte !== COMMA) this.#depth--
      }
    }
    this.#at = at
    if (isFound) return true
    if (at === limit) this.#skipped = 0
    if (this.#skipped !== undefined) {
      this.#skipped += at - this.#from
      this.#from = at
    }
    return false
  }

  /** The element that ends here. */
  #element(bytes: Buffer): Row {
    const separator = bytes[this.#at]
    const source = bytes.subarray(this.#from, this.#at)
    const { maxRecordBytes } = this.#options
    const value =
      this.#skipped === undefined ? jsonOf(source.toString(), this.#options.exactNumbers) : undefined
    if (separator === CLOSING_BRACE) return this.#stop('invalid_json', 'expected JSON, got a brace too many')
    if (value?.code === 'invalid_json') return this.#stop(value.code, value.problem)

    this.#at++
    const place = this.#place(true)
    const size = (this.#skipped ?? 0) + source.length
    const row =
      value === undefined
        ? this.#bad('too_long', tooLongWords(maxRecordBytes, size, this.#line - this.#fromLine + 1))
        : !isUtf8(source)
          ? this.#bad('invalid_utf8', NOT_UTF8, source)
          : value.code
            ? this.#bad(value.code, value.problem, source)
            : { ...place, record: value.json }
    this.#where = separator === COMMA ? 'between' : 'after'
    this.#number++
    this.#skipped = undefined
    return row
  }

  /** Gives up the rest of the file. */
  #stop(code: RowErrorCode, what: string): BadRow {
    const { bytes } = this.#carry
    const isElement = this.#where === 'inside' && this.#skipped === undefined
    if (this.#where !== 'inside') this.#fromLine = this.#line
    this.isOver = true
    const source = isElement ? bytes.subarray(this.#from, this.#at) : undefined
    return this.#bad(code, `${what}. The rest of the file is not read`, source, this.#at < bytes.length)
  }

  #bad(code: RowErrorCode, what: string, source?: Buffer, terminated = true): BadRow {
    const { file } = this.#options
    const which = this.#where === 'before' || this.#where === 'after' ? '' : `element ${this.#number}: `
    const place = this.#place(terminated)
    return {
      ...place,
      error: new RowError(code, file, place.line, which + what),
      raw: source && rawOf(source),
    }
  }

  #place(terminated: boolean) {
    const end = this.#carry.offset + this.#at
    return { file: this.#options.file, line: this.#fromLine, end, terminated }
  }
}

const NOT_AN_ARRAY =
  'expected a JSON array, got something else. If each line is a JSON value, the format is jsonl'
