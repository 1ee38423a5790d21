/** Why a row can't be read: all values of `RowError.code`. */
export const rowErrorCodes = [
  /** Not JSON. */
  'invalid_json',
  /** It is `null`, which a stream can't carry. */
  'null_record',
  /** Arrays and objects inside one another, more than 1,000 levels of them: `JSON.stringify` could not write it. */
  'too_deep',
  /** More or fewer fields than the header has columns. */
  'wrong_column_count',
  /** A quote out of place, or one that is never closed. */
  'invalid_csv',
  /** Bytes that are not UTF-8. */
  'invalid_utf8',
  /** Longer than `maxRecordBytes`. */
  'too_long',
  /** The header has an empty name, one name twice, or can't be read. The stream is destroyed with it. */
  'invalid_header',
  /** The top level of a `.json` file is no array. The stream is destroyed with it. */
  'not_an_array',
  /**
   * The array of a `.json` file is cut off, or so broken that nobody can say where its next element begins. The stream is
   * destroyed with it, after the rows before that place.
   */
  'broken_array',
  /** The file begins like one in UTF-16. The stream is destroyed with it. */
  'utf16',
] as const

export type RowErrorCode = (typeof rowErrorCodes)[number]

/**
 * Why a row can't be read, and where it is: `tickets.csv:17: expected 3 columns, as in the header, got 4`. The message
 * holds positions and counts but no text of the row, so that it can be logged; but for `invalid_header`, which names the column.
 */
export class RowError extends Error {
  override readonly name = 'RowError'
  readonly code: RowErrorCode
  readonly file: string
  /** The line where the row starts, from 1. */
  readonly line: number

  constructor(code: RowErrorCode, file: string, line: number, what: string) {
    super(`${shown(file)}:${line}: ${what}`)
    this.code = code
    this.file = file
    this.line = line
  }
}

/** Why a file can't be read, or not to its end: `tickets.csv: it does not exist`. */
export class FileError extends Error {
  override readonly name = 'FileError'
  /**
   * `unknown_format`: neither its name nor an option says what it holds. `no_match`: no file has this name or pattern.
   * `cannot_decompress`: its data is cut off or corrupt, or this Node has no zstd.
   */
  readonly code: 'cannot_read' | 'cannot_decompress' | 'unknown_format' | 'no_match' | 'named_twice'
  readonly file: string

  constructor(code: FileError['code'], file: string, what: string, cause?: unknown) {
    super(`${shown(file)}: ${what}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.file = file
  }
}

function shown(file: string): string {
  return file === '-' ? 'stdin' : file
}

interface Place {
  readonly file: string
  /** The line where the row starts, from 1. Blank lines count. */
  readonly line: number
  /** Where the row ends in the uncompressed file, in bytes: right after its line end or, in a JSON array, after the comma or bracket behind it. */
  readonly end: number
  /** Whether that line end was there. Only the last row of a file may lack it, and then it may have been cut off. */
  readonly terminated: boolean
}

export interface GoodRow extends Place {
  /** JSON Lines and JSON: the value, never `null`. CSV and TSV: an object of strings, by column. Lines: the text of the line. */
  readonly record: unknown
  /**
   * CSV and TSV: the columns in the order of the header, one array for all rows of a file. The record itself has names such as
   * `2024` first, as every object in JavaScript.
   */
  readonly columns?: readonly string[] | undefined
  readonly error?: undefined
}

export interface BadRow extends Place {
  readonly error: RowError
  /** Its text in the file, without the line end; its bytes where they are not UTF-8; `undefined` where it is too long. */
  readonly raw: string | Uint8Array | undefined
  readonly record?: undefined
}

/** One record of a file, or the reason why it can't be read. */
export type Row = GoodRow | BadRow

/** What a row's error says where its bytes are not UTF-8, whatever the format. */
export const NOT_UTF8 = 'expected UTF-8, got bytes that are not'

/**
 * How many rows are made at a time, whatever the format: enough to make the cost of a call little (one of csv-parse's costs
 * about as much as a row), and few enough to keep little.
 */
export const MOST_ROWS = 500
