import { isUtf8 } from 'node:buffer'
import { CsvError, parse } from 'csv-parse/sync'
import type { Span } from './spans.ts'

/**
 * The fields of rows that lie one behind the other. A row that csv-parse refuses ends the list: it is shorter by that
 * row and those after it. Rows that are not UTF-8 are still told apart by their commas and quotes.
 */
export function parseSpans(
  bytes: Buffer,
  spans: readonly Span[],
  delimiter: string,
): (string[] | 'invalid_utf8')[] {
  const start = spans[0]?.start ?? 0
  const slice = (count: number): Buffer => {
    const last = spans[count - 1]
    return bytes.subarray(start, last?.terminated ? last.next : last?.end)
  }
  const whole = slice(spans.length)
  if (isUtf8(whole)) return parseWhole(slice, spans.length, delimiter, 'utf8')
  return parseWhole(slice, spans.length, delimiter, 'latin1').map((fields, at) => {
    const span = spans[at]
    const isText = span && isUtf8(bytes.subarray(span.start, span.end))
    return isText ? fields.map((field) => Buffer.from(field, 'latin1').toString()) : 'invalid_utf8'
  })
}

function parseWhole(
  slice: (count: number) => Buffer,
  count: number,
  delimiter: string,
  encoding: BufferEncoding,
): string[][] {
  const options = {
    delimiter,
    encoding,
    record_delimiter: ['\r\n', '\n'],
    // The caller counts: here one row too long would stop all.
    relax_column_count: true,
  }
  if (count === 0) return []
  try {
    const rows = parse(slice(count), options)
    if (rows.length !== count) throw new Error(`csv-parse found ${rows.length} rows in ${count}`)
    return rows
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    return parseWhole(slice, Number(error['records']), delimiter, encoding)
  }
}
