type Schema = Readonly<Record<string, unknown>>

/** Words around the schema in OpenAI's `response_format`, and in a request that holds it. */
const WRAPPERS = ['response_format', 'text', 'format', 'json_schema', 'schema']
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
 * Writes a JSON Schema as its author means it, in the words of its version: without OpenAI's
 * wrapping, with closed objects, with `null` as a type, and with definitions where its version has
 * them.
 *
 * @throws {Error} If `required` names a property that does not exist.
 */
export function plainSchema(json: unknown): unknown {
  const schema = unwrapped(json)
  if (!isObject(schema)) return schema
  const isOld = /draft-0?[4-7]/.test(String(schema['$schema']))
  const [place, other] = isOld ? ['definitions', '$defs'] : ['$defs', 'definitions']
  const { [other]: moved, ...rest } = plain(schema, '#', place) as Schema
  return moved === undefined ? rest : { ...rest, [place]: { ...moved, ...(rest[place] as Schema) } }
}

function unwrapped(json: unknown): unknown {
  const inner = isObject(json) ? WRAPPERS.map((word) => json[word]).find(isObject) : undefined
  return inner ? unwrapped(inner) : json
}

/** @param place The word for definitions. */
function plain(schema: unknown, path: string, place: string): unknown {
  // `true`, or a value that is no schema: a later check refuses it.
  if (!isObject(schema)) return schema
  const child = (value: unknown, ...words: (string | number)[]) =>
    plain(value, [path, ...words].join('/'), place)
  const { nullable, ...words } = mapValues(schema, (value, word) => {
    if (word === '$ref') return String(value).replace(/^#\/(\$defs|definitions)\//, `#/${place}/`)
    if (WITH_NAMED_SCHEMAS.has(word) && isObject(value)) {
      return mapValues(value, (named, name) => child(named, word, name))
    }
    if (!WITH_SCHEMAS.has(word)) return value
    return Array.isArray(value) ? value.map((part, i) => child(part, word, i)) : child(value, word)
  })
  const { properties, required } = schema
  const unknown =
    Array.isArray(required) && isObject(properties)
      ? (required as string[]).find((name) => !Object.hasOwn(properties, name))
      : undefined
  if (unknown !== undefined) {
    throw new Error(
      `"required" at ${path} names ${JSON.stringify(unknown)}, which "properties" does not have`,
    )
  }
  // JSON Schema allows other keys by default, but few authors mean that, and a model that must
  // follow the schema could not write them. Many leave the type of an object out.
  const closed = properties === undefined ? words : { type: 'object', additionalProperties: false, ...words }
  // OpenAPI 3.0 writes `null` in this way. JSON Schema does not know the word.
  return nullable === true ? { anyOf: [closed, { type: 'null' }] } : closed
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function mapValues(object: Schema, map: (value: unknown, name: string) => unknown): Schema {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value, name)]))
}
