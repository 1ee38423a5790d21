import {
  BACKSLASH,
  CLOSING_BRACE,
  CLOSING_BRACKET,
  COMMA,
  LF,
  OPENING_BRACE,
  OPENING_BRACKET,
  QUOTE,
} from './chars.ts'
import { Carry } from './carry.ts'
import { doubtOf } from './json-borders.ts'
import { IS_IT_JSONL, JsonPath, PathError } from './json-path.ts'
import { jsonOf } from './json-value.ts'
import { MOST_ROWS, RowError, type BadRow, type Row, type RowErrorCode } from '../row.ts'
import type { Rows, RowsOptions } from './rows.ts'
import { tooLongWords } from './span-row.ts'
import { afterMarks, countOf, isSpace, MARK_START, mayBeMark, rawOf } from './utf8.ts'

/**
 * The elements of a JSON array of any size, also of an array within a JSON document, or JSON values
 * one after the other, which may have line ends in them.
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
  readonly #isSequence: boolean
  /** The way to an array within a document. */
  #path: JsonPath | undefined
  /** Where the document begins. The place of an error around the array is not known. */
  #rootLine: number | undefined
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
  /** The error that follows the rows of the last call. */
  #failure: Error | undefined

  /** @param kind `values`: JSON values one after the other, without commas or an array. */
  constructor(options: RowsOptions, kind: 'array' | 'values' = 'array') {
    this.#options = options
    this.#isSequence = kind === 'values'
    if (this.#isSequence) this.#where = 'between'
    if (options.select !== undefined) this.#path = new JsonPath(options.select)
  }

  append(chunk: Buffer): void {
    const keepFrom = this.#where === 'inside' ? this.#from : this.#at
    this.#carry.append(chunk, keepFrom)
    this.#at -= keepFrom
    this.#from -= keepFrom
  }

  next(isLast: boolean): Row[] {
    if (this.#failure) throw this.#failure
    const rows: Row[] = []
    try {
      while (rows.length < MOST_ROWS) {
        const row = this.#next(isLast)
        if (!row) break
        rows.push(row)
      }
    } catch (error) {
      if (rows.length === 0) throw error
      this.#failure = error as Error
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
      if (this.#path && this.#where !== 'between') {
        this.#follow(this.#path, bytes)
        continue
      }
      const byte = bytes[this.#at] ?? 0
      // Marks stand between the values of files that were put together.
      if (byte === MARK_START && this.#isSequence) {
        const from = this.#at
        this.#at = afterMarks(bytes, from, bytes.length)
        if (!isLast && mayBeMark(bytes, this.#at)) return undefined
        if (this.#at > from) continue
      }
      // Commas between values are no JSON, but lose nothing.
      if (isSpace(byte) || (byte === COMMA && this.#isSequence)) {
        if (byte === LF) this.#line++
        this.#at++
        continue
      }
      if (this.#where === 'after') throw this.#broken('got more behind its end')
      if (this.#where === 'before') {
        if (byte === OPENING_BRACKET) {
          this.#where = 'between'
          this.#at++
        } else if (byte === OPENING_BRACE) this.#path = new JsonPath(undefined)
        else throw this.#broken(`got something else. ${IS_IT_JSONL}`, 'not_an_array')
        continue
      }
      if (byte === CLOSING_BRACKET && this.#number === 1 && !this.#isSequence) {
        this.#close()
        this.#at++
        continue
      }
      this.#where = 'inside'
      this.#from = this.#at
      this.#fromLine = this.#line
    }
    if (!isLast) return undefined
    if (this.#isSequence) {
      if (this.#where === 'between') return undefined
      if (this.#depth === 0 && !this.#isInString) return this.#element(bytes)
    } else if (
      this.#where === 'before' ? !this.#path : this.#where === 'after' && this.#path?.isOver !== false
    )
      return undefined
    throw this.#broken('got the end of the file in it')
  }

  /** Goes on to the array within a document, or to the end of the document. */
  #follow(path: JsonPath, bytes: Buffer): void {
    const rest = bytes.subarray(this.#at)
    this.#rootLine ??= this.#line
    try {
      if (this.#where === 'after') path.read(rest)
      const found = this.#where === 'before' ? path.find(rest, this.#options.maxRecordBytes) : undefined
      if (found !== undefined) this.#where = 'between'
      this.#at += found ?? rest.length
      this.#line += countOf(rest.subarray(0, found), LF)
    } catch (error) {
      const isPath = error instanceof PathError
      const what = isPath ? error.message : 'expected a JSON array, got something else than JSON around it'
      throw this.#error(isPath ? 'not_an_array' : 'broken_array', what, this.#rootLine)
    }
  }

  #close(): void {
    this.#where = 'after'
    this.#path?.read(']')
  }

  /**
   * Goes to the end of the element: a comma or bracket, or a brace, which is an error. A value in a
   * sequence ends behind its own bracket, or before white space.
   */
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
        if (this.#isSequence && this.#depth === 0) {
          at++
          isFound = true
          break
        }
      } else if (this.#isSequence && this.#depth === 0 && isSpace(byte)) {
        isFound = true
        break
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
    const separator = this.#isSequence ? undefined : bytes[this.#at]
    if (separator === CLOSING_BRACE) throw this.#broken('got a brace too many')
    const source = bytes.subarray(this.#from, this.#at)
    if (this.#isSequence && source.length === 0 && this.#skipped === undefined)
      throw this.#broken('got a bracket too many')
    const parsed = this.#skipped === undefined ? jsonOf(source, this.#options.exactNumbers) : undefined
    const doubt = parsed?.code && parsed.code !== 'null_record' ? doubtOf(source) : undefined
    if (doubt !== undefined) throw this.#broken(`got something else than JSON, and ${doubt}`)

    if (separator !== undefined) this.#at++
    const row = parsed
      ? parsed.code
        ? this.#bad(parsed.code, parsed.problem, source)
        : { ...this.#place(), record: parsed.json }
      : this.#bad('too_long', this.#sizeWords(source))
    if (separator === CLOSING_BRACKET) this.#close()
    else this.#where = 'between'
    this.#number++
    this.#skipped = undefined
    return row
  }

  #sizeWords(source: Buffer): string {
    const size = (this.#skipped ?? 0) + source.length
    return tooLongWords(this.#options.maxRecordBytes, size, this.#line - this.#fromLine + 1)
  }

  /** The error if the start of the next element is not known. */
  #broken(got: string, code: 'not_an_array' | 'broken_array' = 'broken_array'): RowError {
    const which = ['inside', 'between'].includes(this.#where) ? `element ${this.#number}: ` : ''
    const what = this.#isSequence ? 'JSON values' : 'a JSON array'
    const line = this.#where === 'inside' ? this.#fromLine : this.#line
    return this.#error(code, `${which}expected ${what}, ${got}`, line)
  }

  #error(code: 'not_an_array' | 'broken_array', what: string, line: number): RowError {
    return new RowError(code, this.#options.file, line, `${what}. The rest of the file is not read`)
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
