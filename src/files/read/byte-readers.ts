import type { Transform } from 'node:stream'
import type { TextFormat } from '../format.ts'
import { checkDelimiter, checkEncoding, checkSelect, maxRecordBytesOf } from '../checks.ts'
import { LateFailure } from '../late-failure.ts'
import type { BadRow, Row } from '../row.ts'
import { FileRows } from './file-rows.ts'

export interface ReaderOptions {
  /**
   * Gets each row that can't be read. The stream leaves the row out. Default: the first such row
   * destroys the stream with its `RowError`, after the rows before it.
   */
  readonly onBadRow?: ((row: BadRow) => void) | undefined
  /** The name of the file in errors. Default `input`. */
  readonly file?: string | undefined
  /** Longer rows are bad rows, and stay out of memory. Default 4 MiB. */
  readonly maxRecordBytes?: number | undefined
  /**
   * The encoding of the file: a name of `TextDecoder`, such as `windows-1252`. Default: UTF-8, or
   * UTF-16 if the file shows it.
   */
  readonly encoding?: string | undefined
  /** Gets a word about the file, such as a delimiter that the reader has found. */
  readonly onNote?: ((note: string) => void) | undefined
}

export interface JsonReaderOptions extends ReaderOptions {
  /**
   * As in `ReadOptions`: keeps numbers exact that JavaScript can't hold. Default false, as with
   * `JSON.parse`.
   */
  readonly exactNumbers?: boolean | undefined
}

export interface JsonArrayReaderOptions extends JsonReaderOptions {
  /** The path of an array within the document: `data.items`. Default: the document is the array. */
  readonly select?: string | undefined
}

export interface TsvReaderOptions extends ReaderOptions {
  /**
   * Whether quotes surround a cell, as in CSV, so that it can hold tabs and line ends. Default: a
   * quote is a character, except in a table with a column `_more`, which the writers here have
   * written.
   */
  readonly quote?: boolean | undefined
}

export interface CsvReaderOptions extends ReaderOptions {
  /**
   * One ASCII character, such as `;`. Default: the character that separates the columns of the
   * header: a comma, or else a semicolon, a tab or `|`.
   */
  readonly delimiter?: string | undefined
  /** Whether quotes surround a cell. Default true. */
  readonly quote?: boolean | undefined
}

/**
 * JSON Lines: bytes in, the value of each line out. Blank lines are skipped; `null` is a bad row. A
 * JSON array over several lines, or values over several lines, are read as what they are.
 *
 * All readers here throw a `TypeError` or `RangeError` for an option that can't be used; its
 * property `option` is the option's name. With or without `onBadRow`, their stream fails with a
 * `RowError` if the rest of the file can't be read: see `rowErrorCodes`.
 */
export function readJsonl(options: JsonReaderOptions = {}): Transform {
  return new Reader('jsonl', options)
}

/**
 * A JSON array of any size, or an array within a document: bytes in, its elements out. An element
 * that is not JSON is a bad row. If the array itself is broken or cut off, the stream fails after
 * the elements before that place.
 */
export function readJson(options: JsonArrayReaderOptions = {}): Transform {
  return new Reader('json', options)
}

/**
 * CSV whose first line is the header: bytes in, one object of strings for each row out. A column
 * without a name gets the name `_1` by its position, and the second `a` becomes `a_2`.
 */
export function readCsv(options: CsvReaderOptions = {}): Transform {
  return new Reader('csv', options)
}

/** As `readCsv`, with tabs. */
export function readTsv(options: TsvReaderOptions = {}): Transform {
  return new Reader('tsv', options)
}

/** Text: bytes in, each line that is not blank out, as a string. */
export function readLines(options: ReaderOptions = {}): Transform {
  return new Reader('lines', options)
}

class Reader extends LateFailure {
  readonly #rows: FileRows
  readonly #onBadRow: ReaderOptions['onBadRow']

  constructor(format: TextFormat, options: CsvReaderOptions & JsonArrayReaderOptions) {
    const { onBadRow, file = 'input', delimiter, encoding, select } = options
    super({ readableObjectMode: true, readableHighWaterMark: 16 })
    if (delimiter !== undefined) checkDelimiter(delimiter)
    if (encoding !== undefined) checkEncoding(encoding)
    if (select !== undefined) checkSelect(select)
    const maxRecordBytes = maxRecordBytesOf(options.maxRecordBytes)
    this.#rows = new FileRows(format, { ...options, file, maxRecordBytes })
    this.#onBadRow = onBadRow
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#pushAll(this.#rows.read(chunk), done)
  }

  override _flush(done: () => void): void {
    this.#pushAll(this.#rows.end(), done)
  }

  #pushAll(batches: Iterable<Row[]>, done: () => void): void {
    try {
      for (const rows of batches) {
        for (const row of rows) {
          if (row.error === undefined) this.push(row.record)
          else if (this.#onBadRow) this.#onBadRow(row)
          else throw row.error
        }
      }
    } catch (error) {
      this.failLate(error as Error)
      return
    }
    done()
  }
}
