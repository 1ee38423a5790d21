/** A number that JavaScript can't hold: `JSON.stringify` writes it as it was. */
export interface ExactNumber {
  /** The text that it was. */
  readonly rawJSON: string
}

// TypeScript has no types for it yet; every Node that we run on has it.
const json = JSON as typeof JSON & {
  rawJSON(text: string): ExactNumber
  isRawJSON(value: unknown): boolean
}

/** Whether a value was read with `exactNumbers` from a number that JavaScript can't hold. */
export function isExactNumber(value: unknown): value is ExactNumber {
  return json.isRawJSON(value)
}

/** Whether a number in a JSON text may be one: it has 16 digits or more, or an exponent of three. May be wrong if so. */
export function mayBeInexact(text: string): boolean {
  return /(?:^|[\s:,[-])\d[\d.]{15}|[\d.][eE][+-]?\d{3}/.test(text)
}

/** A number as `JSON.parse` reads it, if that is the one which stood there. */
export function exactNumber(source: string, value: number): number | ExactNumber {
  return decimal(source) === decimal(String(value)) ? value : json.rawJSON(source)
}

/** One text for each number: its digits without zeros at either end, and the exponent of the last. */
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
