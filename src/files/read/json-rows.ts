import { isUtf8 } from 'node:buffer'
import { Carry } from './carry.ts'
import { doubtOf } from './json-borders.ts'
import { jsonOf, type Parsed } from './json-value.ts'
import { MOST_ROWS, NOT_UTF8, RowError, type BadRow, type Row, type RowErrorCode } from '../row.ts'
import type { Rows, RowsOptions } from './rows.ts'
import { tooLongWords } from './span-row.ts'
import { isSpace, rawOf } from './utf8.ts'

const LF = 0x0a
const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPENING_BRACKET = 0x5b
const CLOSING_BRACKET = 0x5d
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d

/**
 * The elements of a JSON array of any size.
 *
 * Brackets and quotes show where an element ends, and `JSON.parse` shows whether it is JSON. An
 * element that is not JSON is a bad row, and reading continues behind it if its brackets match.
 * Otherwise, or if the array itself is broken, the start of the next element is not known. Then
 * `next` returns the rows before that place, and throws, so that the rows do not look like the
 * whole file.
 *
 * (A parser of tokens, such as stream-json, would not limit the size of an element, or give its
 * place, or notice bytes that are not UTF-8.)
 */
export class JsonRows implements Rows {
  readonly #carry = new Carry()
  readonly #options: RowsOptions
  #where: 'before' | 'between' | 'inside' | 'after' = 'before'
  #at = 0
  #line = 1
  /** The current element: its number from 1, its start, and the open brackets and strings. */
  #number = 1
  #from = 0
  #fromLine = 1
  #depth = 0
  #isInString = false
  #isEscaped = false
  /** Bytes of the element that were dropped, because it is too long. */
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
    try {
      while (rows.length < MOST_ROWS) {
        const row = this.#next(isLast)
        if (!row) break
        rows.push(row)
      }
    } catch (error) {
      // The next call throws the same error.
      if (rows.length === 0) throw error
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
      if (isSpace(byte)) {
        if (byte === LF) this.#line++
        this.#at++
        continue
      }
      if (this.#where === 'after') throw this.#broken('got more behind its end')
      if (this.#where === 'before') {
        if (byte !== OPENING_BRACKET) throw this.#broken(NOT_AN_ARRAY, 'not_an_array')
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
    throw this.#broken('got the end of the file in it')
  }

  /** Goes to the end of the element: a comma or bracket, or a brace, which is an error. */
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

  /** The element that ends at this position. */
  #element(bytes: Buffer): Row {
    const separator = bytes[this.#at]
    if (separator === CLOSING_BRACE) throw this.#broken('got a brace too many')
    const source = bytes.subarray(this.#from, this.#at)
    const parsed = this.#skipped === undefined ? this.#parse(source) : undefined
    const doubt = parsed?.code && parsed.code !== 'null_record' ? doubtOf(source) : undefined
    if (doubt !== undefined) throw this.#broken(`got something else than JSON, and ${doubt}`)

    this.#at++
    const row = parsed
      ? parsed.code
        ? this.#bad(parsed.code, parsed.problem, source)
        : { ...this.#place(), record: parsed.json }
      : this.#bad('too_long', this.#sizeWords(source))
    this.#where = separator === COMMA ? 'between' : 'after'
    this.#number++
    this.#skipped = undefined
    return row
  }

  #parse(source: Buffer): Parsed {
    return isUtf8(source)
      ? jsonOf(source.toString(), this.#options.exactNumbers)
      : { code: 'invalid_utf8', problem: NOT_UTF8 }
  }

  #sizeWords(source: Buffer): string {
    const size = (this.#skipped ?? 0) + source.length
    return tooLongWords(this.#options.maxRecordBytes, size, this.#line - this.#fromLine + 1)
  }

  /** The error if the start of the next element is not known. */
  #broken(got: string, code: 'not_an_array' | 'broken_array' = 'broken_array'): RowError {
    const isElement = this.#where === 'inside' || this.#where === 'between'
    const line = this.#where === 'inside' ? this.#fromLine : this.#line
    const which = isElement ? `element ${this.#number}: ` : ''
    const what = `${which}expected a JSON array, ${got}. The rest of the file is not read`
    return new RowError(code, this.#options.file, line, what)
  }

  #bad(code: RowErrorCode, what: string, source?: Buffer): BadRow {
    const place = this.#place()
    return {
      ...place,
      error: new RowError(code, place.file, place.line, `element ${this.#number}: ${what}`),
      raw: source && rawOf(source),
    }
  }

  #place() {
    const end = this.#carry.offset + this.#at
    return { file: this.#options.file, line: this.#fromLine, end, terminated: true }
  }
}

const NOT_AN_ARRAY = 'got something else. If each line is a JSON value, the format is jsonl'
