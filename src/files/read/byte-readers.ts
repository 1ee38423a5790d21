import type { Transform } from 'node:stream'
import type { TextFormat } from '../format.ts'
import { checkDelimiter, maxRecordBytesOf } from '../checks.ts'
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
}

export interface JsonReaderOptions extends ReaderOptions {
  /**
   * As in `ReadOptions`: keeps numbers exact that JavaScript can't hold. Default false, as with
   * `JSON.parse`.
   */
  readonly exactNumbers?: boolean | undefined
}

export interface CsvReaderOptions extends ReaderOptions {
  /** One ASCII character, such as `;`. Default `,`. */
  readonly delimiter?: string | undefined
}

/**
 * JSON Lines: bytes in, the value of each line out. Blank lines are skipped; `null` is a bad row.
 *
 * All readers here throw a `TypeError` or `RangeError` for an option that can't be used; its
 * property `option` is the option's name. With or without `onBadRow`, their stream fails with a
 * `RowError` if the rest of the file can't be read: see `rowErrorCodes`.
 */
export function readJsonl(options: JsonReaderOptions = {}): Transform {
  return new Reader('jsonl', options)
}

/**
 * A JSON array of any size: bytes in, its elements out. An element that is not JSON is a bad row.
 * If the array itself is broken or cut off, the stream fails after the elements before that place.
 */
export function readJson(options: JsonReaderOptions = {}): Transform {
  return new Reader('json', options)
}

/** CSV whose first line is the header: bytes in, one object of strings for each row out. */
export function readCsv(options: CsvReaderOptions = {}): Transform {
  return new Reader('csv', options)
}

/** As `readCsv`, with tabs. */
export function readTsv(options: ReaderOptions = {}): Transform {
  return new Reader('tsv', options)
}

/** Text: bytes in, each line that is not blank out, as a string. */
export function readLines(options: ReaderOptions = {}): Transform {
  return new Reader('lines', options)
}

class Reader extends LateFailure {
  readonly #rows: FileRows
  readonly #onBadRow: ReaderOptions['onBadRow']

  constructor(format: TextFormat, options: CsvReaderOptions & JsonReaderOptions) {
    const { onBadRow, file = 'input', delimiter, exactNumbers } = options
    super({ readableObjectMode: true, readableHighWaterMark: 16 })
    if (delimiter !== undefined) checkDelimiter(delimiter)
    const maxRecordBytes = maxRecordBytesOf(options.maxRecordBytes)
    this.#rows = new FileRows(format, { file, maxRecordBytes, delimiter, exactNumbers })
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
