import type { Row } from '../row.ts'

/** Makes rows of the bytes of one file, which may come in pieces of any size. It knows no stream. */
export interface Rows {
  append(chunk: Buffer): void
  /** Leaves out bytes at the very start. */
  skip(bytes: number): void
  /**
   * Some of the next rows, in order; none if they need more bytes. `isLast`: there are no more. Throws a `RowError`, after the
   * rows before it, where nothing of the rest can be read.
   */
  next(isLast: boolean): Row[]
}

export interface RowsOptions {
  /** Its name in errors. */
  readonly file: string
  readonly maxRecordBytes: number
  /** CSV: one ASCII character. */
  readonly delimiter?: string | undefined
  /** JSON: numbers that JavaScript can't hold are kept as they are. */
  readonly exactNumbers?: boolean | undefined
}
