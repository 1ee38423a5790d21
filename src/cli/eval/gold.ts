import { resultFormat, type UserSchema } from '../../engine/index.ts'
import { columnList } from '../task/partition.ts'
import { columnOf, type Item } from '../rows/item.ts'

/** The right results of records: the values of columns. */
export interface Gold {
  readonly columns: readonly string[]
  /** `undefined`: the record has no right result. */
  readonly of: (own: Item['own']) => unknown
  /** Whether the schema allows it. A right result that is no label is a slip in the data. */
  readonly isAllowed: (gold: unknown) => boolean
}

/**
 * The right results by a flag: the value of one column, or an object of several. A text that holds
 * an array or an object is JSON.
 */
export function goldBy(flag: string, schema: UserSchema): Gold {
  const columns = columnList('--gold', flag)
  const [first = ''] = columns
  const format = resultFormat(schema)
  const [only, ...others] = format.names
  const isSingle = columns.length === 1 && others.length === 0
  return {
    columns,
    of(own) {
      if (columns.length === 1) return valueOf(own, first)
      const values = columns.map((name) => [name, valueOf(own, name)] as const)
      return values.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(values)
    },
    isAllowed(gold) {
      if (!isSingle || typeof gold === 'object') return true
      return [gold, scalarOf(gold)].some(
        (value) => 'value' in format.check(only === undefined ? value : { [only]: value }),
      )
    },
  }
}

/** @throws {Error} If the record has no such column. */
function valueOf(own: Item['own'], name: string): unknown {
  const value = columnOf(own, name)
  if (value === null || value === undefined) return undefined
  if (typeof value !== 'string') return JSON.parse(JSON.stringify(value)) as unknown
  const text = value.trim()
  return text === '' ? undefined : /^[[{]/.test(text) ? (parsed(text) ?? text) : text
}

/** The number or truth value that a cell of a table holds as text. */
function scalarOf(gold: unknown): unknown {
  return typeof gold === 'string' ? (parsed(gold) ?? gold) : gold
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
