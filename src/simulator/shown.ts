import { inspect } from 'node:util'

/** A value as error messages show it, whatever it is: on one line, and cut short. */
export function shown(value: unknown): string {
  const text = inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 100 })
  return text.length > 150 ? `${text.slice(0, 150)}…` : text
}
