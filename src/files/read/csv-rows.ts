import { CsvHeader } from './csv-header.ts'
import { parseSpans } from './csv-fields.ts'
import { MOST_ROWS, NOT_UTF8, RowError, type BadRow, type Row, type RowErrorCode } from '../row.ts'
import type { Rows, RowsOptions } from './rows.ts'
import { badSpan, goodSpan, tooLongWords } from './span-row.ts'
import { Spans, type Span } from './line-spans.ts'
import { isPreface } from './sniff.ts'
import { countOf } from './utf8.ts'

export interface CsvOptions extends RowsOptions {
  readonly delimiter: string
  readonly quote: boolean
}

/**
 * Rows of a CSV file. The first row names the columns.
 *
 * This class finds the ends of rows by counting quotes, and gives whole rows to csv-parse, many at
 * a time. If csv-parse refuses a row because of a quote, only its first line is a bad row, and
 * reading continues at the next line. So a quote that is never closed costs one line.
 */
export class CsvRows implements Rows {
  readonly #spans: Spans
  readonly #options: CsvOptions
  #header: CsvHeader | undefined

  constructor(options: CsvOptions) {
    this.#options = options
    this.#spans = new Spans({ maxBytes: options.maxRecordBytes, quotes: options.quote })
    const delimiter = options.delimiter.charCodeAt(0)
    this.#spans.looksLikeRow = (line) => this.#header?.length === 1 + countOf(line, delimiter)
  }

  get columns(): readonly string[] | undefined {
    return this.#header?.names
  }

  append(chunk: Buffer): void {
    this.#spans.append(chunk)
  }

  next(isLast: boolean): Row[] {
    // A batch may have the header alone.
    for (;;) {
      const { batch, problem } = this.#batch(isLast)
      const { rows, isCutShort } = this.#parse(batch)
      if (problem && !isCutShort) rows.push(this.#problemRow(problem))
      if (rows.length > 0 || (batch.length === 0 && !problem)) return rows
    }
  }

  /** The next rows, until a row with a problem. */
  #batch(isLast: boolean): { batch: Span[]; problem?: Span } {
    const batch: Span[] = []
    // Only the header shows whether a line looks like a row.
    const most = this.#header ? MOST_ROWS : 1
    for (let span; batch.length < most && (span = this.#spans.next(isLast));) {
      if (span.problem) return { batch, problem: span }
      // csv-parse would see a row in most blank lines, but no row at the end of a file.
      if (!isSpaces(this.#spans.carry.bytes, span.start, span.end)) batch.push(span)
    }
    return { batch }
  }

  /** `isCutShort`: a row, and all rows after it, were taken back. */
  #parse(batch: readonly Span[]): { rows: Row[]; isCutShort: boolean } {
    const rows: Row[] = []
    for (let at = 0; at < batch.length;) {
      const parsed = parseSpans(this.#spans.carry.bytes, batch.slice(at), this.#options)
      for (const fields of parsed) {
        const span = batch[at++]
        const row = span && this.#row(span, fields)
        if (row) rows.push(row)
      }
      const refused = batch[at++]
      if (!refused) break
      const isCutShort = refused.lines > 1
      const line = isCutShort ? this.#spans.resumeAfterFirstLine(refused) : refused
      rows.push(this.#bad(line, 'invalid_csv', QUOTES))
      if (isCutShort) return { rows, isCutShort }
    }
    return { rows, isCutShort: false }
  }

  #row(span: Span, fields: readonly string[] | 'invalid_utf8'): Row | undefined {
    if (fields === 'invalid_utf8') return this.#bad(span, 'invalid_utf8', NOT_UTF8)
    const { file } = this.#options
    if (!this.#header) {
      // The delimiter is known by now.
      if (!isPreface(fields.join(this.#options.delimiter)))
        this.#header = new CsvHeader(fields, this.#options, span.line)
      return undefined
    }
    // The header of a second file, which was put behind the first.
    if (span.isMarked && this.#header.isIn(fields)) return undefined
    const { length, names } = this.#header
    if (!this.#header.fits(fields)) {
      const what = `expected ${length} columns, as in the header, got ${fields.length}`
      const isCut = !this.#options.quote && fields.some(isHalfQuoted)
      return this.#bad(span, 'wrong_column_count', isCut ? `${what}${SURROUNDED}` : what)
    }
    const row = goodSpan({ file, carry: this.#spans.carry }, span, this.#header.record(fields))
    return { ...row, columns: names }
  }

  #problemRow(span: Span): BadRow {
    const { maxRecordBytes } = this.#options
    if (span.problem === 'unclosed_quote') return this.#bad(span, 'invalid_csv', QUOTES)
    return this.#bad(span, 'too_long', tooLongWords(maxRecordBytes, span.size, span.lines))
  }

  #bad(span: Span, code: RowErrorCode, what: string): BadRow {
    const { file } = this.#options
    if (!this.#header)
      throw new RowError('invalid_header', file, span.line, `the header can't be read: ${what}`)
    return badSpan({ file, carry: this.#spans.carry }, span, code, what)
  }
}

const QUOTES = 'a quote is out of place, or not closed'
const SURROUNDED = '. If quotes surround its cells, as in CSV, say so (quote)'

/** Whether quotes seem to surround more than this cell. */
function isHalfQuoted(field: string): boolean {
  return field.startsWith('"') !== field.endsWith('"')
}

function isSpaces(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0x20) return false
  return true
}
