import type { Carry } from './carry.ts'
import { RowError, type BadRow, type GoodRow, type RowErrorCode } from '../row.ts'
import type { Span } from './line-spans.ts'
import { rawOf } from './utf8.ts'

interface Source {
  readonly file: string
  readonly carry: Carry
}

export function goodSpan({ file, carry }: Source, span: Span, record: unknown): GoodRow {
  return { file, line: span.line, record, end: carry.offset + span.next, terminated: span.terminated }
}

export function badSpan({ file, carry }: Source, span: Span, code: RowErrorCode, what: string): BadRow {
  return {
    file,
    line: span.line,
    error: new RowError(code, file, span.line, what),
    raw: code === 'too_long' ? undefined : rawOf(carry.bytes.subarray(span.start, span.end)),
    end: carry.offset + span.next,
    terminated: span.terminated,
  }
}

export function tooLong(source: Source, span: Span, maxBytes: number): BadRow {
  return badSpan(source, span, 'too_long', tooLongWords(maxBytes, span.size, span.lines))
}

export function tooLongWords(maxBytes: number, size: number, lines: number): string {
  const over = lines > 1 ? ` over ${lines} lines` : ''
  return `expected at most ${maxBytes} bytes (maxRecordBytes), got ${size}${over}`
}
