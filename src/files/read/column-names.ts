/**
 * A name for each column of a table: `_3` for the third column if it has none, and `text_1` for the
 * second column `text`. A name that the table has stays with its first column.
 */
export function columnNames(given: readonly string[]): string[] {
  const taken = new Set(given)
  const seen = new Set<string>()
  return given.map((name, at) => {
    if (name !== '' && !seen.has(name)) {
      seen.add(name)
      return name
    }
    let number = name === '' ? at + 1 : 1
    while (taken.has(`${name}_${number}`)) number++
    taken.add(`${name}_${number}`)
    return `${name}_${number}`
  })
}
