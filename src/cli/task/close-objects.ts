type Schema = Readonly<Record<string, unknown>>

/** Words of a JSON Schema that hold one schema or a list of them; all else, such as `enum`, holds values. */
const WITH_SCHEMAS = new Set([
  ...['items', 'prefixItems', 'anyOf', 'oneOf', 'allOf', 'not', 'if', 'then', 'else', 'contains'],
  ...['additionalItems', 'additionalProperties', 'propertyNames'],
])
/** Words that hold schemas by name. */
const WITH_NAMED_SCHEMAS = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
])

/**
 * A JSON Schema whose objects have no keys but those that it lists, where it does not say otherwise. By itself it would allow
 * them, and nearly nobody who writes one means that: a model that is held to it could not write them anyway.
 */
export function closeObjects(schema: unknown): unknown {
  // `true`, or what will be refused.
  if (!isObject(schema)) return schema
  const closed = mapValues(schema, (value, word) => {
    if (WITH_NAMED_SCHEMAS.has(word) && isObject(value)) return mapValues(value, closeObjects)
    if (!WITH_SCHEMAS.has(word)) return value
    return Array.isArray(value) ? value.map(closeObjects) : closeObjects(value)
  })
  return 'properties' in schema ? { additionalProperties: false, ...closed } : closed
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function mapValues(object: Schema, map: (value: unknown, name: string) => unknown): Schema {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value, name)]))
}
