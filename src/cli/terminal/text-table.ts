import { wrap } from './aligned.ts'

export interface TableStyle {
  readonly width: number
  /** The columns that a narrow table leaves out, in this order. */
  readonly optional: readonly string[]
  /** The columns whose cells begin at their left side. */
  readonly left: readonly string[]
}

/** A table of texts, with a name above each column. It says which columns it leaves out. */
export function textTable(
  all: ReadonlyMap<string, readonly string[]>,
  { width, optional, left }: TableStyle,
): string[] {
  const columns = new Map(all)
  const missing: string[] = []
  for (const name of optional.filter((one) => columns.has(one))) {
    if (widthOf(columns) <= width) break
    columns.delete(name)
    missing.push(name)
  }
  const rows = Math.max(...[...columns.values()].map(({ length }) => length))
  const lines = Array.from({ length: rows + 1 }, (_, i) =>
    [...columns]
      .map((column) => {
        const [name, cells] = column
        const cell = i === 0 ? name : (cells[i - 1] ?? '')
        return left.includes(name) ? cell.padEnd(columnWidth(column)) : cell.padStart(columnWidth(column))
      })
      .join('  ')
      .trimEnd(),
  )
  return missing.length === 0 ? lines : [...lines, ...wrap(`(no room: ${missing.join(', ')})`, width)]
}

function columnWidth([name, cells]: readonly [string, readonly string[]]): number {
  return Math.max(...[name, ...cells].map(({ length }) => length))
}

function widthOf(columns: ReadonlyMap<string, readonly string[]>): number {
  return [...columns].reduce((sum, column) => sum + columnWidth(column), 2 * (columns.size - 1))
}
