import { expected, positiveInteger, withOption } from '../base/option-checks.ts'
import type { Format } from './format.ts'

const DEFAULT = 4 * 1024 * 1024

export function maxRecordBytesOf(value: number | undefined): number {
  return positiveInteger('maxRecordBytes', value, DEFAULT)
}

/** Whether it is one ASCII character, no space and no quote. */
export function isDelimiter(delimiter: string): boolean {
  return /^[\t!-~]$/.test(delimiter) && delimiter !== '"'
}

export function checkDelimiter(delimiter: string): void {
  if (isDelimiter(delimiter)) return
  const shown = JSON.stringify(delimiter)
  throw withOption(
    'delimiter',
    new TypeError(`Expected \`delimiter\` to be one ASCII character, no space and no quote, got ${shown}`),
  )
}

export function checkEncoding(encoding: string): void {
  try {
    new TextDecoder(encoding)
  } catch {
    throw expected('encoding', 'a name that TextDecoder knows, such as windows-1252 or shift_jis', encoding)
  }
}

export function checkSelect(select: string): void {
  if (select === '') throw expected('select', 'a path such as data.items', select)
}

export function checkFormat<T extends Format>(format: T, known: readonly T[]): void {
  if (known.includes(format)) return
  throw expected('format', `one of ${known.join(', ')}`, format)
}
