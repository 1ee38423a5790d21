import { LF, OPENING_BRACE, OPENING_BRACKET } from './chars.ts'
import { MORE } from '../own-columns.ts'
import type { TextFormat } from '../format.ts'
import { JsonRows } from './json-rows.ts'
import type { Row } from '../row.ts'
import type { RowsOptions } from './rows.ts'
import { afterMarks, isSpace, mayBeMark, UTF8_MARK } from './utf8.ts'

/** The bytes that may decide about a table, at most. */
const MOST_BYTES = 64 * 1024

/** What PowerShell 5.1 writes above a table. */
const TYPE = /^#TYPE [\w.#/+-]+$/

/** How the text of a file is read. */
export interface Kind {
  /** `values`: JSON values one after the other, with line ends in them. */
  readonly format: TextFormat | 'values'
  readonly delimiter?: string
  readonly quote?: boolean
  /** What the name of the file does not say. */
  readonly note?: string
}

/** The first bytes of a text, which decide. */
interface Head {
  readonly bytes: Buffer
  /** Whether no further bytes will be asked for. */
  readonly isAll: boolean
}

/**
 * Decides by the first bytes of a text how it is read. `undefined`: it needs more bytes. It mostly
 * asks for no more than the first row needs anyway, because the next row of a pipe may be far away.
 * The answer does not depend on how the bytes are cut.
 */
export function kindOf(
  format: TextFormat,
  bytes: Buffer,
  isWhole: boolean,
  options: RowsOptions,
): Kind | undefined {
  const most =
    format === 'jsonl' || format === 'json' ? Math.max(options.maxRecordBytes, MOST_BYTES) : MOST_BYTES
  const head = { bytes: bytes.subarray(0, most), isAll: isWhole || bytes.length >= most }
  switch (format) {
    case 'csv':
      return csvKind(head, options)
    case 'tsv':
      return tsvKind(head, options)
    case 'jsonl':
      return jsonlKind(head, bytes.length <= most, options)
    case 'json':
      return jsonKind(head, options)
    default:
      return { format }
  }
}

function csvKind({ bytes, isAll }: Head, { delimiter, quote = true }: RowsOptions): Kind | undefined {
  if (delimiter !== undefined) return { format: 'csv', delimiter, quote }
  const rows = unquoted(bytes, isAll)
  const [header, row] = rows.slice(TYPE.test(rows[0] ?? '') ? 1 : 0)
  if (header === undefined) return isAll ? { format: 'csv', delimiter: ',', quote } : undefined
  const [, stated] = /^sep=([\t!-~])$/.exec(header) ?? []
  if (stated !== undefined) return { format: 'csv', delimiter: stated, quote }
  const found = header.includes(',')
    ? []
    : [';', '\t', '|'].filter((one) => header.includes(one) && (row === undefined || row.includes(one)))
  if (found.length > 0 && row === undefined && !isAll) return undefined
  const count = (one: string): number => header.split(one).length
  const [best] = found.sort((a, b) => count(b) - count(a))
  if (best === undefined) return { format: 'csv', delimiter: ',', quote }
  const name = best === '\t' ? 'a tab' : JSON.stringify(best)
  const note = `its header has no comma, so ${name} separates its columns (\`delimiter\`)`
  return { format: 'csv', delimiter: best, quote, note }
}

/** Whether a row before the header is no row of the table: a line of Excel, or of PowerShell. */
export function isPreface(row: string): boolean {
  return /^sep=.$/.test(row) || TYPE.test(row)
}

/** The first rows that are not blank, without the texts between quotes. */
function unquoted(bytes: Buffer, isAll: boolean): string[] {
  const text = bytes.toString('latin1').replaceAll(UTF8_MARK, '')
  const lines = text.replaceAll(/"[^"]*(?:"|$)/g, '').split(/\r?\n/)
  const whole = isAll ? lines : lines.slice(0, -1)
  return whole.filter((line) => line.trim() !== '').slice(0, 3)
}

function tsvKind({ bytes, isAll }: Head, { delimiter = '\t', quote }: RowsOptions): Kind | undefined {
  if (quote !== undefined) return { format: 'tsv', delimiter, quote }
  const lines = bytes.toString().replaceAll('\ufeff', '').split(/\r?\n/)
  const header = (isAll ? lines : lines.slice(0, -1)).find((line) => line.trim() !== '')
  if (header === undefined && !isAll) return undefined
  // The writers here put quotes around a cell with a tab or a line end. Other programs often do not
  // write quotes at all.
  return { format: 'tsv', delimiter, quote: header?.split(delimiter).includes(MORE) ?? false }
}

/** An array over several lines, or values over several lines, are no lines of JSON. */
function jsonlKind({ bytes, isAll }: Head, isComplete: boolean, options: RowsOptions): Kind | undefined {
  const first = firstLine(bytes, isAll)
  const { line, next } = first
  if (first.byte !== OPENING_BRACKET && first.byte !== OPENING_BRACE) {
    return first.byte !== undefined || isAll ? { format: 'jsonl' } : undefined
  }
  if (line === undefined && !isAll) return undefined
  if (first.byte === OPENING_BRACE) {
    if (line === undefined || !/[{,]\s*$/.test(line) || parsed(line) !== undefined) return { format: 'jsonl' }
    if (next === undefined && !isAll) return undefined
    const note = 'its JSON values have line ends in them'
    return next === '"' || next === '}' ? { format: 'values', note } : { format: 'jsonl' }
  }
  const array = { format: 'json', note: 'it is a JSON array, and not a JSON value on each line' } as const
  // Too long for a row.
  if (line === undefined && !isComplete) return array
  const value = parsed(line ?? bytes.toString().replace(/^[\ufeff\s]+/, ''))
  if (value === undefined) return line !== undefined && /[[{,}]\s*$/.test(line) ? array : { format: 'jsonl' }
  const isOfObjects = options.isGuess && Array.isArray(value) && typeof value[0] === 'object'
  if (!isOfObjects || next !== undefined) return { format: 'jsonl' }
  return isAll ? array : undefined
}

/** Many tools write JSON values one after the other into a `.json`, some over several lines. */
function jsonKind({ bytes, isAll }: Head, options: RowsOptions): Kind | undefined {
  const { byte, start, line } = firstLine(bytes, isAll)
  if (!options.isGuess || options.select !== undefined || byte === OPENING_BRACKET) return { format: 'json' }
  const first = firstValue(bytes.subarray(start), isAll, options)
  const rest = first && firstLine(bytes.subarray(start + first.end), isAll)
  if (first?.error?.code === 'invalid_json') return { format: 'json' }
  if (rest?.byte === undefined) return isAll ? { format: 'json' } : undefined
  const isOnLine = line !== undefined && parsed(line) !== undefined
  if (isOnLine && rest.line === undefined && !isAll) return undefined
  // jq writes `{}` and numbers on a line, also between objects over several lines.
  return isOnLine && !isStart(rest.line)
    ? { format: 'jsonl', note: 'it has a JSON value on each line, and is no JSON array' }
    : { format: 'values', note: 'it has JSON values one after the other, and is no JSON array' }
}

/** The first of several JSON values. `undefined`: it needs more bytes, or has no end. */
function firstValue(bytes: Buffer, isAll: boolean, options: RowsOptions): Row | undefined {
  const rows = new JsonRows({ ...options, maxRecordBytes: Infinity }, 'values')
  rows.append(bytes)
  try {
    return rows.next(isAll)[0]
  } catch {
    return undefined
  }
}

/** Whether a line is the start of a JSON value over several lines. */
function isStart(line = ''): boolean {
  return /[[{,]\s*$/.test(line) && parsed(line) === undefined
}

/** The first line that is not blank, if it is complete, and the first character behind it. */
function firstLine(
  bytes: Buffer,
  isAll: boolean,
): {
  byte: number | undefined
  start: number
  line?: string
  next?: string
} {
  let start = 0
  for (let at = -1; at !== start;) {
    at = start
    start = afterMarks(bytes, start, bytes.length)
    while (isSpace(bytes[start])) start++
  }
  const byte = isAll || !mayBeMark(bytes, start) ? bytes[start] : undefined
  const end = bytes.indexOf(LF, start)
  if (byte === undefined || end < 0) return { byte, start }
  let after = end
  while (isSpace(bytes[after])) after++
  const line = bytes.toString('utf8', start, end)
  const found = { byte, start, line }
  return after < bytes.length ? { ...found, next: String.fromCharCode(bytes[after] ?? 0) } : found
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
