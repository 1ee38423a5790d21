import { isUtf8 } from 'node:buffer'
import { CsvError, parse } from 'csv-parse/sync'
import type { Span } from './line-spans.ts'

/**
 * Reads the fields of rows. No row may be blank. A row that csv-parse refuses ends the list. In
 * rows that are not UTF-8, commas and quotes still separate the fields.
 */
export function parseSpans(
  bytes: Buffer,
  spans: readonly Span[],
  { delimiter, quote }: { readonly delimiter: string; readonly quote: boolean },
): (string[] | 'invalid_utf8')[] {
  const isText = (span: Span): boolean => isUtf8(bytes.subarray(span.start, span.end))
  if (!quote) {
    return spans.map((span) =>
      isText(span) ? bytes.toString('utf8', span.start, span.end).split(delimiter) : 'invalid_utf8',
    )
  }
  if (isUtf8(bytesOf(bytes, spans))) return parseAll(bytes, spans, delimiter, 'utf8')
  return parseAll(bytes, spans, delimiter, 'latin1').map((fields, at) => {
    const span = spans[at]
    return span && isText(span)
      ? fields.map((field) => Buffer.from(field, 'latin1').toString())
      : 'invalid_utf8'
  })
}

function parseAll(
  bytes: Buffer,
  spans: readonly Span[],
  delimiter: string,
  encoding: BufferEncoding,
): string[][] {
  if (spans.length === 0) return []
  const { rows, refused } = tryParse(bytesOf(bytes, spans), delimiter, encoding)
  if (rows?.length === spans.length) return rows
  // csv-parse found no row or two rows in the span: the same as a refused row.
  if (spans.length === 1) return []
  if (refused !== undefined && refused < spans.length) {
    return parseAll(bytes, spans.slice(0, refused), delimiter, encoding)
  }
  const each: string[][] = []
  for (const span of spans) {
    const [row] = parseAll(bytes, [span], delimiter, encoding)
    if (!row) break
    each.push(row)
  }
  return each
}

/** All rows of a text, or the number of rows before the row that csv-parse refuses. */
function tryParse(
  text: Buffer,
  delimiter: string,
  encoding: BufferEncoding,
): { rows?: string[][]; refused?: number } {
  try {
    const options = {
      delimiter,
      encoding,
      record_delimiter: ['\r\n', '\n'],
      // The caller counts the columns. Here, one long row would stop everything.
      relax_column_count: true,
    }
    return { rows: parse(text, options) }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    return { refused: Number(error['records']) }
  }
}

/** The bytes of the spans. It copies them only if there are gaps between them. */
function bytesOf(bytes: Buffer, spans: readonly Span[]): Buffer {
  const endOf = (span: Span): number => (span.terminated ? span.next : span.end)
  const isGap = (span: Span, at: number): boolean => at > 0 && spans[at - 1]?.next !== span.start
  const [first, last] = [spans[0], spans.at(-1)]
  if (!first || !last) return bytes.subarray(0, 0)
  if (!spans.some(isGap)) return bytes.subarray(first.start, endOf(last))
  return Buffer.concat(spans.map((span) => bytes.subarray(span.start, endOf(span))))
}
