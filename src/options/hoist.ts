import { expected } from '../base/option-checks.ts'
import type { SharedField } from '../record/entry.ts'
import { RecordError } from '../record/errors.ts'

/** The rules by which a record becomes a text, and fields that other records have as well. */
interface HoistRules<R> {
  readonly serialize: (record: R) => string
  /** `undefined`: all fields are part of the text. */
  readonly hoist: ((record: R) => readonly SharedField[]) | undefined
}

/** Checks the option `hoist`. With names, `serialize` gets records without these fields. */
export function hoistRules<R>(hoist: unknown, serialize: (record: R) => string): HoistRules<R> {
  if (hoist === undefined) return { serialize, hoist }
  if (typeof hoist === 'function') {
    const fieldsOf = hoist as (record: R) => unknown
    return {
      serialize,
      hoist: (record) => sharedFields(object('`hoist` to return an object', fieldsOf(record))),
    }
  }
  const isName = (name: unknown): name is string => typeof name === 'string' && name !== ''
  if (!Array.isArray(hoist) || hoist.length === 0 || !hoist.every(isName)) {
    throw expected('hoist', "at least one name of a field, such as ['document'], or a function", hoist)
  }
  const names = new Set<string>(hoist)
  const fieldsOf = (record: unknown) => object('a record with the fields of `hoist`', record)
  return {
    serialize: (record) => serialize(without(fieldsOf(record), names) as R),
    hoist: (record) => {
      const fields = fieldsOf(record)
      return sharedFields(Object.fromEntries(Array.from(names, (name) => [name, fields[name]])))
    },
  }
}

function object(what: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>
  }
  // The value is not shown, because it may hold the record's text.
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
  throw new RecordError('invalid_record', `Expected ${what}, got ${got}`)
}

/** A copy with the same prototype, because `serialize` may call a method of the record. */
function without(record: object, names: ReadonlySet<string>): object {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(record) as object | null) as object, record)
  for (const name of names) Reflect.deleteProperty(copy, name)
  return copy
}

/** The fields as the prompt shows them. A field without a value is not there. */
export function sharedFields(fields: Readonly<Record<string, unknown>>): SharedField[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const text = typeof value === 'string' ? value : (JSON.stringify(value) as string | undefined)
    return text === undefined ? [] : [{ name, text }]
  })
}
