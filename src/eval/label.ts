import { nameOf, type JsonSchema } from '../request/json-schema.ts'

/**
 * Returns where a value has its label: `[]` for the value itself, or the name of its only field
 * with a fixed list of values. `undefined`: the schema has no label, or several.
 */
export function labelPath(schema: JsonSchema): readonly string[] | undefined {
  const resolved = (of: unknown): JsonSchema => {
    const one = (of ?? {}) as JsonSchema
    const definitions = (schema['$defs'] ?? {}) as Record<string, JsonSchema>
    return definitions[nameOf(one) ?? ''] ?? one
  }
  const isLabel = (of: unknown): boolean => {
    const { enum: values, const: value, type, anyOf } = resolved(of) as Record<string, unknown>
    if (Array.isArray(anyOf)) return anyOf.some(isLabel) && anyOf.every((one) => isLabel(one) || isNull(one))
    return Array.isArray(values) || value !== undefined || type === 'boolean'
  }
  const isNull = (of: unknown): boolean => resolved(of)['type'] === 'null'

  if (isLabel(schema)) return []
  const fields = Object.entries((resolved(schema)['properties'] ?? {}) as JsonSchema)
  const labels = fields.filter(([, field]) => isLabel(field)).map(([name]) => name)
  return labels.length === 1 ? labels : undefined
}

/** Returns the part of a value at a path of `labelPath`. A value without the path is the part. */
export function partAt(value: unknown, path: readonly string[]): unknown {
  const [name] = path
  if (name === undefined || typeof value !== 'object' || value === null) return value
  return (value as Record<string, unknown>)[name]
}
