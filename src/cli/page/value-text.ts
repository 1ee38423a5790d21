import { isExactNumber } from '../../files/index.ts'

/** Longest text of a value that a page keeps, in characters. */
const LONGEST_TEXT = 2_000

/** A value of a record or a result as a text of bounded length. */
export function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
  return text.length > LONGEST_TEXT ? `${start(text, LONGEST_TEXT)}…` : text
}

/** The first characters of a text. A character of two code units stays whole. */
export function start(text: string, length: number): string {
  return text.slice(0, length).replace(/[\ud800-\udbff]$/, '')
}

/** The number that a value of JSON, or a cell of a table, stands for. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (isExactNumber(value)) return Number(JSON.stringify(value))
  return typeof value === 'string' && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value) ? Number(value) : undefined
}

/** The array or object that a cell of a table holds as JSON, or the value itself. */
export function nested(value: unknown): unknown {
  if (typeof value !== 'string' || !/^[[{]/.test(value)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
