import { withOption } from '../base/option-checks.ts'
import type { Format } from './format.ts'

const DEFAULT = 4 * 1024 * 1024

export function maxRecordBytesOf(value: number | undefined): number {
  if (value === undefined) return DEFAULT
  if (Number.isSafeInteger(value) && value > 0) return value
  throw withOption(
    'maxRecordBytes',
    new RangeError(`Expected \`maxRecordBytes\` to be a positive integer, got ${String(value)}`),
  )
}

export function checkDelimiter(delimiter: string): void {
  if (/^[\t!-~]$/.test(delimiter) && delimiter !== '"') return
  const shown = JSON.stringify(delimiter)
  throw withOption(
    'delimiter',
    new TypeError(`Expected \`delimiter\` to be one ASCII character, no space and no quote, got ${shown}`),
  )
}

export function checkFormat<T extends Format>(format: T, known: readonly T[]): void {
  if (known.includes(format)) return
  // Not by JSON, which has no bigint and no symbol.
  const shown = typeof format === 'string' ? JSON.stringify(format) : String(format)
  throw withOption(
    'format',
    new TypeError(`Expected \`format\` to be one of ${known.join(', ')}, got ${shown}`),
  )
}
