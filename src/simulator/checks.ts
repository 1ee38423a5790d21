import { shown } from './shown.ts'

/**
 * Checks of options. Each check throws a `TypeError` or `RangeError` that begins with the option's
 * name.
 */

/** Adds the option's name to its error as the property `option`. */
export function withOption<E extends TypeError | RangeError>(
  option: string,
  error: E,
): E & { option: string } {
  return Object.assign(error, { option })
}

export const isWhole = Number.isSafeInteger
export const isCount = (value: number) => isWhole(value) && value >= 1

export function number(
  name: string,
  value: unknown,
  expected: string,
  isAllowed: (value: number) => boolean,
): asserts value is number {
  if (typeof value !== 'number')
    throw withOption(name, new TypeError(`${name}: expected ${expected}, got ${shown(value)}`))
  if (!isAllowed(value)) throw withOption(name, new RangeError(`${name}: expected ${expected}, got ${value}`))
}

/**
 * `prefix` is the name of the option that holds `value`, with a dot at its end. It is empty for the
 * options as a whole.
 */
export function knownKeys(prefix: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null) {
    throw withOption(
      prefix.slice(0, -1) || 'options',
      new TypeError(`${prefix.slice(0, -1) || 'options'}: expected an object, got ${shown(value)}`),
    )
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key))
      throw withOption(prefix + key, new TypeError(`${prefix}${key}: expected one of ${known.join(', ')}`))
  }
}
