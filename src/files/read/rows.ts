import type { Row } from '../row.ts'

/** Makes rows of the bytes of a file, which come in pieces of any size. It knows no stream. */
export interface Rows {
  /** The columns of a table, from its header on. */
  readonly columns?: readonly string[] | undefined
  append(chunk: Buffer): void
  /**
   * Some of the next rows, in order. An empty list: the next row needs more bytes. `isLast`: there
   * are no more bytes. Throws a `RowError`, after the rows before it, if the rest of the file can't
   * be read.
   */
  next(isLast: boolean): Row[]
}

export interface RowsOptions {
  /** Name of the file in errors. */
  readonly file: string
  readonly maxRecordBytes: number
  /** CSV: one ASCII character. Default: by the header. */
  readonly delimiter?: string | undefined
  /** CSV and TSV: whether quotes surround a cell. Default: in CSV. */
  readonly quote?: boolean | undefined
  /** JSON: the path of the array. */
  readonly select?: string | undefined
  /** A name of `TextDecoder`. */
  readonly encoding?: string | undefined
  /** Whether the format is a guess, so that the content decides if it is clear. */
  readonly isGuess?: boolean | undefined
  /** Gets a word about a file that is read in another way than its name says. */
  readonly onNote?: ((note: string) => void) | undefined
  /** JSON: keeps numbers exact that JavaScript can't hold. */
  readonly exactNumbers?: boolean | undefined
}
