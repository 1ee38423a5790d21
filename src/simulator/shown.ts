import { inspect } from 'node:util'

/** Shows any value in an error message: on one line, with at most 150 characters. */
export function shown(value: unknown): string {
  const text = inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 100 })
  return text.length > 150 ? `${text.slice(0, 150)}…` : text
}
