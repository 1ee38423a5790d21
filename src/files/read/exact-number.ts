/** A number that JavaScript can't hold. `JSON.stringify` writes its original text. */
export interface ExactNumber {
  /** The original text. */
  readonly rawJSON: string
}

// TypeScript has no types for it yet. All supported versions of Node have it.
const json = JSON as typeof JSON & {
  rawJSON(text: string): ExactNumber
  isRawJSON(value: unknown): boolean
}

/** Whether a value was read with `exactNumbers` from a number that JavaScript can't hold. */
export function isExactNumber(value: unknown): value is ExactNumber {
  return json.isRawJSON(value)
}

/**
 * Whether a JSON text may have a number that JavaScript can't hold: a number with 16 digits or
 * more, or an exponent with three. It may be wrong if it says yes.
 */
export function mayBeInexact(text: string): boolean {
  return /(?:^|[\s:,[-])\d[\d.]{15}|[\d.][eE][+-]?\d{3}/.test(text)
}

/** The number that `JSON.parse` reads, if it equals the number in the text. */
export function exactNumber(source: string, value: number): number | ExactNumber {
  return decimal(source) === decimal(String(value)) ? value : json.rawJSON(source)
}

/**
 * A unique text for each number: its digits without zeros at both ends, and the exponent of the
 * last digit.
 */
function decimal(number: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? []
  // `Infinity`
  if (whole === '') return number
  const digits = whole + fraction
  let start = 0
  let end = digits.length
  while (digits[start] === '0') start++
  if (start === end) return '0'
  while (digits[end - 1] === '0') end--
  return `${sign}${digits.slice(start, end)}e${Number(exponent) + whole.length - end}`
}
