import { mapValues, nameOf, type Definitions, type JsonSchema } from './json-schema.ts'

/**
 * Strict mode has no tuples, so the model writes `['a', 1]` as `{ item1: 'a', item2: 1 }`. The
 * names are not plain numbers, because JavaScript would put these in front of other names.
 */
export class Tuples {
  /** No property of the user's schema begins like an item. So an object of items is a tuple. */
  readonly #prefix: string

  constructor(whole: JsonSchema) {
    const text = JSON.stringify(whole)
    let prefix = 'item'
    while (text.includes(`"${prefix}1"`)) prefix += '_'
    this.#prefix = prefix
  }

  /** Name of an item, from 0. */
  item(i: number): string {
    return `${this.#prefix}${i + 1}`
  }

  /** Writes the schema of a tuple as the schema of an object. */
  asObject({ description, prefixItems, minItems }: JsonSchema): JsonSchema {
    const items = prefixItems as JsonSchema[]
    const names = items.map((_, i) => this.item(i))
    return {
      ...(description !== undefined && { description }),
      type: 'object',
      properties: Object.fromEntries(items.map((item, i) => [this.item(i), item])),
      required: names.slice(0, (minItems ?? items.length) as number),
    }
  }

  /** Makes arrays of the objects that stand for tuples, at any depth of a result. */
  toArrays(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.toArrays(item))
    if (typeof value !== 'object' || value === null) return value
    const made = mapValues(value as Record<string, unknown>, (part) => this.toArrays(part))
    const names = Object.keys(made)
    const isTuple = names.length > 0 && names.every((_, i) => Object.hasOwn(made, this.item(i)))
    return isTuple ? names.map((_, i) => made[this.item(i)]) : made
  }

  /** The opposite, for examples: writes a value as the strict schema wants it. */
  toObjects(value: unknown, schema: JsonSchema, definitions: Definitions): unknown {
    // A definition may refer to another definition.
    const definition = definitions[nameOf(schema) ?? '']
    if (definition) return this.toObjects(value, definition, definitions)
    const {
      anyOf = [],
      items,
      properties,
    } = schema as {
      anyOf?: JsonSchema[]
      items?: JsonSchema
      properties?: Definitions
    }
    const write = (part: unknown, of: JsonSchema | undefined) =>
      of === undefined ? part : this.toObjects(part, of, definitions)
    // An option that does not fit the value leaves it as it is.
    if (anyOf.length > 0) return anyOf.reduce((written, option) => write(written, option), value)
    if (typeof value !== 'object' || value === null) return value
    if (!Array.isArray(value)) {
      return mapValues(value as Record<string, unknown>, (part, name) => write(part, properties?.[name]))
    }
    const names = Object.keys(properties ?? {})
    const isTuple = names[0] === this.item(0) && names.length === value.length
    if (!isTuple) return value.map((part) => write(part, items))
    return Object.fromEntries(names.map((name, i) => [name, write(value[i], properties?.[name])]))
  }
}
