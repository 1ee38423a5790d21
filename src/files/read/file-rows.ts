import { CsvRows } from './csv-rows.ts'
import type { TextFormat } from '../format.ts'
import { JsonRows } from './json-rows.ts'
import { LineRows } from './line-rows.ts'
import type { Rows, RowsOptions } from './rows.ts'
import { RowError, type Row } from '../row.ts'

const makers: Readonly<Record<TextFormat, (options: RowsOptions) => Rows>> = {
  jsonl: (options) => new LineRows('jsonl', options),
  lines: (options) => new LineRows('lines', options),
  csv: (options) => new CsvRows({ ...options, delimiter: options.delimiter ?? ',' }),
  tsv: (options) => new CsvRows({ ...options, delimiter: '\t' }),
  json: (options) => new JsonRows(options),
}

const UTF8_MARK = '\xef\xbb\xbf'
const UTF16_MARKS = ['\xff\xfe', '\xfe\xff']
const MARKS = [UTF8_MARK, ...UTF16_MARKS]

/** All rows of a file. Each turn of the loop returns the rows that a chunk has completed. */
export class FileRows {
  readonly #rows: Rows
  readonly #file: string
  /** The first bytes, while they may be a part of a byte order mark. */
  #head: Buffer | undefined = Buffer.alloc(0)

  constructor(format: TextFormat, options: RowsOptions) {
    this.#rows = makers[format](options)
    this.#file = options.file
  }

  *read(chunk: Buffer): Generator<Row[], void> {
    yield* this.#push(chunk, false)
  }

  *end(): Generator<Row[], void> {
    yield* this.#push(Buffer.alloc(0), true)
  }

  *#push(chunk: Buffer, isLast: boolean): Generator<Row[], void> {
    if (this.#head) {
      const head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk])
      this.#head = head
      if (
        !isLast &&
        MARKS.some((mark) => head.length < mark.length && mark.startsWith(head.toString('latin1')))
      )
        return
      this.#head = undefined
      this.#begin(head)
    } else this.#rows.append(chunk)
    for (let rows; (rows = this.#rows.next(isLast)).length > 0;) yield rows
  }

  #begin(head: Buffer): void {
    const mark = head.toString('latin1', 0, 3)
    if (UTF16_MARKS.includes(mark.slice(0, 2))) {
      const remedy = 'Convert it first: `iconv -f UTF-16 -t UTF-8`'
      throw new RowError('utf16', this.#file, 1, `expected UTF-8, got what begins like UTF-16. ${remedy}`)
    }
    this.#rows.append(head)
    if (mark === UTF8_MARK) this.#rows.skip(3)
  }
}
