/** Numbers are equal if they differ by less than this share of the larger number. */
const TOLERANCE = 1e-6

/**
 * Returns from 0 to 1 how far a value agrees with another value. Numbers agree within a tolerance;
 * texts after Unicode normalisation, without regard to case and white space. Of an object, each
 * field of `right` counts the same, so a value may have fields that `right` does not have.
 */
export function agreement(value: unknown, right: unknown): number {
  if (Array.isArray(right)) {
    if (!Array.isArray(value)) return 0
    const length = Math.max(value.length, right.length)
    return meanOver([...Array(length).keys()], (at) =>
      at < value.length && at < right.length ? agreement(value[at], right[at]) : 0,
    )
  }
  if (isObject(right)) {
    if (!isObject(value)) return 0
    return meanOver(Object.keys(right), (key) => agreement(value[key], right[key]))
  }
  if (typeof right === 'number' && typeof value === 'number') {
    return Math.abs(value - right) <= TOLERANCE * Math.max(Math.abs(value), Math.abs(right)) ? 1 : 0
  }
  return plain(value) === plain(right) ? 1 : 0
}

/** A label as a text, so that the `5` of a schema is the `'5'` of a column. */
export function labelOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null)
}

const meanOver = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.length === 0 ? 1 : items.reduce((sum, item) => sum + of(item), 0) / items.length

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const plain = (value: unknown): string =>
  labelOf(value).normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim()
