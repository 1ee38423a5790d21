import { columnOf, type Item, type TextOf } from '../rows/item.ts'

/** A record that has no such column cannot be asked. */
export function textWith(textOf: TextOf, partition: string | undefined): TextOf {
  if (partition === undefined) return textOf
  return (own) => {
    columnOf(own, partition)
    return textOf(own)
  }
}

/** The partition of a record, by a column of it. */
export function partitionBy(column: string | undefined): ((item: Item) => string) | undefined {
  if (column === undefined) return undefined
  return ({ own }) => {
    const value = columnOf(own, column)
    // Not by `String`, which takes no number that was kept as it is.
    return typeof value === 'string' ? value : JSON.stringify(value)
  }
}
