import { isExactNumber } from '../read/exact-number.ts'

/** The Parquet type of a column. `json`: nested values, or values of several types. */
export type ColumnType = 'text' | 'boolean' | 'integer' | 'number' | 'json'

export interface Column {
  readonly name: string
  readonly type: ColumnType
  /** Whether a null stands for a property that the row does not have. */
  readonly isOptional: boolean
}

interface Seen {
  types: Set<ColumnType>
  rows: number
  nulls: number
  /** Whether an integer is too large for a floating-point number. */
  hasLarge: boolean
}

/** Finds the columns of rows, and the types of their values. */
export class Columns {
  readonly #seen = new Map<string, Seen>()
  #rows = 0

  /** @param names Columns that stand first, even if no row has them. */
  constructor(names: readonly string[] = []) {
    for (const name of names) this.#of(name)
  }

  add(row: Readonly<Record<string, unknown>>): void {
    this.#rows += 1
    for (const [name, value] of Object.entries(row)) {
      const seen = this.#of(name)
      seen.rows += 1
      if (value === null) seen.nulls += 1
      else seen.types.add(typeOf(value))
      if (isExactNumber(value)) seen.hasLarge = true
    }
  }

  all(): Column[] {
    return [...this.#seen].map(([name, { types, rows, nulls, hasLarge }]) => {
      const isOptional = rows < this.#rows
      const [only = 'text', other] = types
      const isNumber = types.size === 2 && types.has('integer') && types.has('number') && !hasLarge
      const type = isNumber ? 'number' : other === undefined ? only : 'json'
      // Of the values, only JSON can tell a null from a property that is absent.
      return { name, type: isOptional && nulls > 0 ? 'json' : type, isOptional }
    })
  }

  #of(name: string): Seen {
    const known = this.#seen.get(name)
    if (known) return known
    const seen: Seen = { types: new Set(), rows: 0, nulls: 0, hasLarge: false }
    this.#seen.set(name, seen)
    return seen
  }
}

function typeOf(value: unknown): ColumnType {
  if (typeof value === 'string') return 'text'
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'number'
  return isExactNumber(value) && isInt64(value.rawJSON) ? 'integer' : 'json'
}

function isInt64(text: string): boolean {
  return /^-?\d+$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)
}

/** A value in the form that the writer of Parquet takes for its type. */
export function cellOf(value: unknown, type: ColumnType): unknown {
  if (value === undefined || (value === null && type !== 'json')) return null
  switch (type) {
    case 'integer':
      return BigInt(isExactNumber(value) ? value.rawJSON : (value as number))
    case 'json':
      // The writer would copy any other object, and lose its exact numbers.
      return Object.assign(Object.create(null), { toJSON: () => value }) as unknown
    default:
      return value
  }
}
