/** What is not known exactly: the least and the most it may be, and what to expect. */
export interface Range {
  readonly low: number
  readonly expected: number
  readonly high: number
}

/** A number, or its bounds, as it is stated. */
export type Stated = number | { readonly low: number; readonly high: number }

/** @throws {RangeError} Naming the option, for what is no such number. */
export function rangeOf(name: string, stated: Stated, least = Number.MIN_VALUE): Range {
  const { low, high } = typeof stated === 'number' ? { low: stated, high: stated } : stated
  const isRange = low >= least && high >= low && high < Infinity
  if (isRange) return { low, expected: (low + high) / 2, high }
  const expected = least > 0 ? 'above 0' : 'of at least 0'
  const got = typeof stated === 'number' ? stated : `${low} to ${high}`
  throw new RangeError(`Expected \`${name}\` to be a number ${expected}, or two from low to high, got ${got}`)
}

export function mapRange(range: Range, map: (value: number) => number): Range {
  return { low: map(range.low), expected: map(range.expected), high: map(range.high) }
}
