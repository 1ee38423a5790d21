import { isExactNumber } from '../read/exact-number.ts'

/** The Parquet type of a column. `json`: nested values, or values of several types. */
export type ColumnType = 'text' | 'boolean' | 'integer' | 'number' | 'json'

export interface Column {
  readonly name: string
  readonly type: ColumnType
  /** Which nulls stand for a property that its row does not have. */
  readonly absent: Absent
}

/**
 * All, none, or by turns: a number of nulls of rows with the property, of rows without it, of rows
 * with it, and so on.
 */
export type Absent = boolean | readonly number[]

/** A column whose nulls change more often becomes JSON, which can tell them apart. */
const MOST_TURNS = 1_000_000

interface Seen {
  types: Set<ColumnType>
  /** See `Absent`. */
  turns: number[]
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
    for (const [name, value] of Object.entries(row)) {
      const seen = this.#of(name)
      if (value === null) addNull(seen, false)
      else seen.types.add(typeOf(value))
      if (isExactNumber(value)) seen.hasLarge = true
    }
    this.#rows += 1
    for (const [name, seen] of this.#seen) if (!Object.hasOwn(row, name)) addNull(seen, true)
  }

  all(): Column[] {
    return [...this.#seen].map(([name, { types, turns, hasLarge }]) => {
      const [only = 'text', other] = types
      const isNumber = types.size === 2 && types.has('integer') && types.has('number') && !hasLarge
      const isMixed = turns.length > MOST_TURNS
      const type = isNumber ? 'number' : other !== undefined || isMixed ? 'json' : only
      const [nulls, absent] = turns
      const isOneKind = absent === undefined || (nulls === 0 && turns.length === 2)
      // JSON has a null of its own.
      return { name, type, absent: isOneKind || type === 'json' ? absent !== undefined : turns }
    })
  }

  #of(name: string): Seen {
    const known = this.#seen.get(name)
    if (known) return known
    const seen: Seen = { types: new Set(), turns: [0], hasLarge: false }
    if (this.#rows > 0) addNull(seen, true, this.#rows)
    this.#seen.set(name, seen)
    return seen
  }
}

function addNull({ turns }: Seen, isAbsent: boolean, count = 1): void {
  const isSame = (turns.length % 2 === 0) === isAbsent
  if (isSame) turns[turns.length - 1] = (turns.at(-1) ?? 0) + count
  else if (turns.length <= MOST_TURNS) turns.push(count)
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
