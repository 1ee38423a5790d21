import { columnOf, type Item, type TextOf } from '../rows/item.ts'

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
