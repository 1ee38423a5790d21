import { UsageError } from '../flags/usage-error.ts'
import { columnOf, hoisted, type Item, type TextOf } from '../rows/item.ts'

/** The columns of a flag such as `--key`. */
export function columnList(name: string, flag: string): string[] {
  const columns = flag.split(',').map((one) => one.trim())
  if (!columns.includes('')) return columns
  throw new UsageError(`${name}: expected names of columns, with commas between them`)
}

/** The fields that records have in common: the values of columns. */
export function hoistBy(columns: readonly string[]): ((item: Item) => Item['own']) | undefined {
  return columns.length === 0 ? undefined : ({ own }) => hoisted(own, columns)
}

/** Adds a check: a record without one of these columns cannot be sent. */
export function textWith(textOf: TextOf, needed: string | readonly string[] = []): TextOf {
  const columns = [needed].flat()
  if (columns.length === 0) return textOf
  return (own) => {
    for (const name of columns) columnOf(own, name)
    return textOf(own)
  }
}

/** The partition of a record: the value of a column. */
export function partitionBy(column: string | undefined): ((item: Item) => string) | undefined {
  if (column === undefined) return undefined
  return ({ own }) => {
    const value = columnOf(own, column)
    // `String` would fail on an exact number.
    return typeof value === 'string' ? value : JSON.stringify(value)
  }
}
