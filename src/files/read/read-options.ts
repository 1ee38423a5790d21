import type { Readable } from 'node:stream'
import { checkDelimiter, checkEncoding, checkFormat, checkSelect, maxRecordBytesOf } from '../checks.ts'
import { formats, type Format } from '../format.ts'

export interface ReadOptions {
  /**
   * Format of the files. Default: by the name of each file, and JSON Lines for stdin. Then content
   * that is clearly JSON Lines, or a JSON array, is read as what it is.
   */
  readonly format?: Format | undefined
  /**
   * CSV: one ASCII character, such as `;`. Default: the character that separates the columns of the
   * header: a comma, or else a semicolon, a tab or `|`.
   */
  readonly delimiter?: string | undefined
  /** TSV: whether quotes surround a cell. See `readTsv`. */
  readonly quote?: boolean | undefined
  /** JSON: the path of an array within the document: `data.items`. Then stdin is JSON. */
  readonly select?: string | undefined
  /**
   * The encoding of the files: a name of `TextDecoder`. Default: UTF-8, or UTF-16 if a file shows
   * it.
   */
  readonly encoding?: string | undefined
  /** Gets a word about a file that is read in another way than its name says, or not whole. */
  readonly onNote?: ((note: string) => void) | undefined
  /**
   * Longer rows are bad rows, and stay out of memory. In Parquet, XLSX and SQLite, the size of a
   * row is that of its JSON, and the row is in memory until it has been measured. Default 4 MiB.
   */
  readonly maxRecordBytes?: number | undefined
  /**
   * JSON: keeps a number that JavaScript can't hold, such as `12345678901234567890` or `1e400`, as
   * an object of `JSON.rawJSON`. `JSON.stringify` and the writers here write its original text. See
   * `isExactNumber`. Default false: it becomes the nearest number, as with `JSON.parse`.
   */
  readonly exactNumbers?: boolean | undefined
  /** XLSX: the name of the sheet. Default: the first sheet that is not hidden. */
  readonly sheet?: string | undefined
  /** The stream for `-`. Default `process.stdin`. */
  readonly stdin?: Readable | undefined
}

/** Checked options. */
export interface CheckedOptions extends ReadOptions {
  readonly maxRecordBytes: number
}

/** @throws {TypeError | RangeError} For an option that can't be used. */
export function checkedOptions(options: ReadOptions): CheckedOptions {
  const { format, delimiter, encoding, select } = options
  const maxRecordBytes = maxRecordBytesOf(options.maxRecordBytes)
  if (delimiter !== undefined) checkDelimiter(delimiter)
  if (encoding !== undefined) checkEncoding(encoding)
  if (select !== undefined) checkSelect(select)
  if (format !== undefined) checkFormat(format, formats)
  return { ...options, maxRecordBytes }
}
