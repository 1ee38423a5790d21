/** All values of `RowError.code`: why a row can't be read. */
export const rowErrorCodes = [
  /** Not JSON. */
  'invalid_json',
  /** `null`, which a stream can't carry. */
  'null_record',
  /** More than 1,000 levels of arrays and objects: `JSON.stringify` could not write it. */
  'too_deep',
  /** More or fewer fields than the header has columns. */
  'wrong_column_count',
  /** A quote in a wrong place, or without its closing quote. */
  'invalid_csv',
  /** Bytes that are not UTF-8. */
  'invalid_utf8',
  /** Longer than `maxRecordBytes`. */
  'too_long',
  /** The header has no name, or can't be read. This error destroys the stream. */
  'invalid_header',
  /**
   * The top level of a `.json` file is not an array, or `select` leads to no array. This error
   * destroys the stream.
   */
  'not_an_array',
  /**
   * The array of a `.json` file is cut off, or so broken that its next element can't be found. This
   * error destroys the stream, after the rows before that place.
   */
  'broken_array',
  /** The file begins like UTF-32. This error destroys the stream. */
  'unknown_encoding',
] as const

export type RowErrorCode = (typeof rowErrorCodes)[number]

/**
 * Why a row can't be read, and its place: `tickets.csv:17: expected 3 columns, as in the header,
 * got 4`. The message has positions and counts, but no text of the row, so that logs can show it.
 * Only the message of `invalid_header` names the column.
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

/** Why a file can't be read, or can't be read to its end: `tickets.csv: it does not exist`. */
export class FileError extends Error {
  override readonly name = 'FileError'
  /**
   * `unknown_format`: neither the name nor an option gives the format. `no_match`: no file has this
   * name or pattern. `cannot_decompress`: the data is cut off or corrupt, or this Node has no zstd.
   * `missing_package`: the format needs an optional package.
   */
  readonly code:
    'cannot_read' | 'cannot_decompress' | 'unknown_format' | 'no_match' | 'named_twice' | 'missing_package'
  readonly file: string

  constructor(code: FileError['code'], file: string, what: string, cause?: unknown) {
    super(`${shown(file)}: ${what}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.file = file
  }
}

/** The name of a file in a message. */
export function shown(file: string): string {
  return file === '-' ? 'stdin' : file
}

interface Place {
  readonly file: string
  /**
   * The line where the row starts, from 1. Blank lines count. XLSX: the row of the sheet. Parquet
   * and SQLite: the number of the row.
   */
  readonly line: number
  /**
   * Position in the uncompressed file where the row ends, in bytes: after its line end or, in a
   * JSON array, after the comma or bracket behind it. In a file that is not UTF-8, it is the
   * position in the file as UTF-8. 0 for Parquet, XLSX and SQLite.
   */
  readonly end: number
  /**
   * Whether that line end exists. Only the last row of a file may lack it, and may then be cut off.
   */
  readonly terminated: boolean
}

export interface GoodRow extends Place {
  /**
   * JSON Lines and JSON: the value, never `null`. CSV and TSV: an object of strings, by column.
   * Lines: the text of the line. XLSX: an object of texts. Parquet and SQLite: an object of JSON
   * values.
   */
  readonly record: unknown
  /**
   * CSV and TSV: the columns in the order of the header, in one array for all rows of a file. The
   * record itself has names such as `2024` first, like every object in JavaScript.
   */
  readonly columns?: readonly string[] | undefined
  readonly error?: undefined
}

export interface BadRow extends Place {
  readonly error: RowError
  /**
   * Its text in the file, without the line end; its bytes if they are not UTF-8; `undefined` if it
   * is too long.
   */
  readonly raw: string | Uint8Array | undefined
  readonly record?: undefined
}

/** A record of a file, or the reason why it can't be read. */
export type Row = GoodRow | BadRow

/** The message for bytes that are not UTF-8, in all formats. */
export const NOT_UTF8 =
  'expected UTF-8, got bytes that are not. If it is another encoding, such as windows-1252, name it (encoding)'

/**
 * Number of rows to make at a time, in all formats. Large enough for a low cost per call (a call of
 * csv-parse costs about as much as a row), and small enough for little memory.
 */
export const MOST_ROWS = 500
