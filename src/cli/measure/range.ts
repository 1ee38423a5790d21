import { outOfRange } from '../../options/index.ts'

/** The lowest, the expected and the highest value of a figure that is not exact. */
export interface Range {
  readonly low: number
  readonly expected: number
  readonly high: number
}

/** A number, or its bounds, as the user states it. */
export type Stated = number | { readonly low: number; readonly high: number }

/**
 * @throws {RangeError} Naming the option, if it is neither a number from `least` on nor two numbers
 * from low to high.
 */
export function rangeOf(name: string, stated: Stated, least = Number.MIN_VALUE): Range {
  const { low, high } = typeof stated === 'number' ? { low: stated, high: stated } : stated
  const isRange = low >= least && high >= low && high < Infinity
  if (isRange) return { low, expected: (low + high) / 2, high }
  const got = typeof stated === 'number' ? stated : `${low} to ${high}`
  const from = least > 0 ? 'above 0' : 'of at least 0'
  throw outOfRange(name, `a number ${from}, or two from low to high`, got)
}

/** Computes each end by itself. */
export function atEachEnd(of: (end: keyof Range) => number): Range {
  return { low: of('low'), expected: of('expected'), high: of('high') }
}

export function mapRange(range: Range, map: (value: number) => number): Range {
  return atEachEnd((end) => map(range[end]))
}

/** The sum at each end. */
export function addRanges(a: Range, b: Range): Range {
  return atEachEnd((end) => a[end] + b[end])
}

/** The largest value at each end. */
export function mostOf(ranges: readonly Range[]): Range {
  return atEachEnd((end) => Math.max(...ranges.map((range) => range[end])))
}
