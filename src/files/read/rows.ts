import type { Row } from '../row.ts'

/** Makes rows of the bytes of a file, which come in pieces of any size. It knows no stream. */
export interface Rows {
  append(chunk: Buffer): void
  /** Skips bytes at the start of the file. */
  skip(bytes: number): void
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
  /** CSV: one ASCII character. */
  readonly delimiter?: string | undefined
  /** JSON: keeps numbers exact that JavaScript can't hold. */
  readonly exactNumbers?: boolean | undefined
}
