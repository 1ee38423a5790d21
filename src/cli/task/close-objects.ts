type Schema = Readonly<Record<string, unknown>>

/**
 * Words of a JSON Schema that hold a schema or a list of schemas. Others, such as `enum`, hold
 * values.
 */
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
 * Forbids other keys than the listed keys in the objects of a JSON Schema, unless the schema allows
 * them itself. JSON Schema allows other keys by default, but few authors mean that, and a model
 * that must follow the schema could not write them.
 */
export function closeObjects(schema: unknown): unknown {
  // `true`, or a value that is no schema: a later check refuses it.
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
