import { isUtf8 } from 'node:buffer'
import { badSpan, goodSpan, tooLong } from './span-row.ts'
import { jsonOf } from './json-value.ts'
import { MOST_ROWS, NOT_UTF8, type Row } from '../row.ts'
import type { Rows, RowsOptions } from './rows.ts'
import { Spans, type Span } from './line-spans.ts'
import { isBlank } from './utf8.ts'

/** One record on each line: JSON Lines, or plain text. */
export class LineRows implements Rows {
  readonly #spans: Spans
  readonly #options: RowsOptions
  readonly #isJson: boolean

  constructor(format: 'jsonl' | 'lines', options: RowsOptions) {
    this.#spans = new Spans({ maxBytes: options.maxRecordBytes })
    this.#options = options
    this.#isJson = format === 'jsonl'
  }

  append(chunk: Buffer): void {
    this.#spans.append(chunk)
  }

  next(isLast: boolean): Row[] {
    const rows: Row[] = []
    const { carry } = this.#spans
    for (let span; rows.length < MOST_ROWS && (span = this.#spans.next(isLast));) {
      if (span.problem || !isBlank(carry.bytes, span.start, span.end)) rows.push(this.#row(span))
    }
    return rows
  }

  #row(span: Span): Row {
    const { file, maxRecordBytes, exactNumbers } = this.#options
    const { carry } = this.#spans
    const source = { file, carry }
    if (span.problem) return tooLong(source, span, maxRecordBytes)
    const bytes = carry.bytes.subarray(span.start, span.end)
    if (this.#isJson) {
      const value = jsonOf(bytes, exactNumbers)
      return value.code
        ? badSpan(source, span, value.code, value.problem)
        : goodSpan(source, span, value.json)
    }
    return isUtf8(bytes)
      ? goodSpan(source, span, bytes.toString())
      : badSpan(source, span, 'invalid_utf8', NOT_UTF8)
  }
}
