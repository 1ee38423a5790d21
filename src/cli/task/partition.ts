import { columnOf, type Item, type TextOf } from '../rows/item.ts'

/** Adds a check: a record without the column of its partition cannot be sent. */
export function textWith(textOf: TextOf, partition: string | undefined): TextOf {
  if (partition === undefined) return textOf
  return (own) => {
    columnOf(own, partition)
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
