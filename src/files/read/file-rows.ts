import { Carry } from './carry.ts'
import { CsvRows } from './csv-rows.ts'
import { Decoder } from './decoder.ts'
import type { TextFormat } from '../format.ts'
import { JsonRows } from './json-rows.ts'
import { LineEnds } from './line-ends.ts'
import { LineRows } from './line-rows.ts'
import type { Rows, RowsOptions } from './rows.ts'
import { shown, type Row } from '../row.ts'
import { kindOf, type Kind } from './sniff.ts'
import { afterMarks, mayBeMark } from './utf8.ts'

/** All rows of a text file. Each turn of the loop returns the rows that a chunk has completed. */
export class FileRows {
  readonly #format: TextFormat
  readonly #options: RowsOptions
  readonly #decoder: Decoder
  readonly #lineEnds: LineEnds | undefined
  /** The first bytes, while they may change how the file is read. */
  readonly #head = new Carry()
  #rows: Rows | undefined

  constructor(format: TextFormat, options: RowsOptions) {
    this.#format = format
    const onNote = (note: string) => options.onNote?.(`${shown(options.file)}: ${note}`)
    this.#options = { ...options, onNote }
    this.#decoder = new Decoder(options.file, options.encoding)
    const quotes = format === 'csv' ? options.quote !== false : format === 'tsv' && options.quote === true
    // In JSON, a CR is white space.
    this.#lineEnds = format === 'json' ? undefined : new LineEnds(quotes)
  }

  /** Whether the `end` of a row is a position in the file. Otherwise it is a position in UTF-8. */
  get hasOwnEnds(): boolean {
    return this.#decoder.isUnchanged
  }

  /** The columns of a table, from its header on. */
  get columns(): readonly string[] | undefined {
    return this.#rows?.columns
  }

  *read(chunk: Buffer): Generator<Row[], void> {
    yield* this.#push(chunk, false)
  }

  *end(): Generator<Row[], void> {
    yield* this.#push(Buffer.alloc(0), true)
  }

  *#push(chunk: Buffer, isLast: boolean): Generator<Row[], void> {
    const text = this.#decoder.decode(chunk, isLast)
    const bytes = this.#lineEnds?.mend(text, isLast) ?? text
    if (bytes.length === 0 && !isLast) return
    if (this.#rows) this.#rows.append(bytes)
    else this.#begin(bytes, isLast)
    for (let rows; (rows = this.#rows?.next(isLast) ?? []).length > 0;) yield rows
  }

  #begin(bytes: Buffer, isLast: boolean): void {
    this.#head.append(bytes, 0)
    const head = this.#head.bytes
    const kind = kindOf(this.#format, head, isLast, this.#options)
    if (!kind) return
    // JSON has no byte order mark. Spaces keep all positions.
    const isJson = kind.format === 'json' || kind.format === 'values'
    const mark = isJson ? afterMarks(head, 0, head.length) : 0
    // Another mark may follow.
    if (isJson && !isLast && mayBeMark(head, mark)) return
    if (kind.note !== undefined) this.#options.onNote?.(kind.note)
    this.#rows = rowsOf(kind, this.#options)
    this.#rows.append(mark > 0 ? Buffer.concat([Buffer.alloc(mark, ' '), head.subarray(mark)]) : head)
  }
}

function rowsOf({ format, delimiter = ',', quote = true }: Kind, options: RowsOptions): Rows {
  switch (format) {
    case 'csv':
    case 'tsv':
      return new CsvRows({ ...options, delimiter, quote })
    case 'json':
      return new JsonRows(options)
    case 'values':
      return new JsonRows(options, 'values')
    default:
      return new LineRows(format, options)
  }
}
