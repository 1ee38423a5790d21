import { regexes } from 'zod/v4/core'
import { withOption } from '../base/option-checks.ts'
import { mapValues, nameOf, type Definitions, type JsonSchema } from './json-schema.ts'
import type { Tuples } from './tuples.ts'

/**
 * Name of the definition for a result schema that refers to itself. Zod writes this reference as
 * `#`.
 */
export const ROOT_DEFINITION = 'llm_pack_stream_record'
export const ROOT_REF = `#/$defs/${ROOT_DEFINITION}`

/**
 * Rewrites the JSON Schema of a record's result, and of its definitions, into the subset of strict
 * structured outputs.
 *
 * @throws {TypeError} If the subset cannot express the schema. The message names the place.
 */
export function strictSchema(
  whole: JsonSchema,
  tuples: Tuples,
): { record: JsonSchema; definitions: Definitions } {
  const { $defs = {}, ...record } = whole as JsonSchema & { $defs?: Definitions }
  const strict = (schema: JsonSchema, path: string[]) => toStrict(schema, path, $defs, tuples)
  return {
    record: strict(record, []),
    definitions: mapValues($defs, (definition, name) => {
      const at = ['$defs', name]
      if (name.includes('%')) refuse(at, 'the name of a definition cannot have a %')
      if (name === ROOT_DEFINITION) refuse(at, 'the library uses this name itself')
      return strict(definition, at)
    }),
  }
}

/** Keywords that structured outputs support. They are passed on unchanged. */
const KEPT = new Set([
  ...['type', 'description', 'enum', 'const', 'format', 'minLength', 'maxLength'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minItems', 'maxItems'],
])
/**
 * Keywords that restrict the value and have no counterpart in strict mode. Other unknown keywords
 * do not restrict the value, or are checked only in the library.
 */
const REFUSED = new Set(['not', 'if', 'dependentRequired', 'dependentSchemas', 'patternProperties'])
/** Every schema needs at least one of these keywords, or the model may write any value. */
const MEANINGFUL = ['type', 'anyOf', 'enum', 'const', '$ref']
/**
 * String formats that OpenAI's structured outputs support. Other formats are checked only in the
 * library.
 */
const FORMATS = ['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid']

/**
 * The patterns that Zod writes beside formats, and the formats. Such a pattern adds little to its
 * format, is long, and some decoders do not support its syntax, so only the format is sent. Every
 * other pattern is sent: the user's own, or of a variant such as `z.uuidv7()`.
 */
const FORMAT_OF: ReadonlyMap<unknown, string> = new Map(
  Object.entries({
    'date-time': [regexes.datetime({}), regexes.datetime({ offset: true })],
    date: [regexes.date],
    duration: [regexes.duration],
    email: [regexes.email],
    hostname: [regexes.hostname],
    ipv4: [regexes.ipv4],
    ipv6: [regexes.ipv6],
    uuid: [regexes.uuid(), regexes.guid],
  }).flatMap(([format, patterns]) => patterns.map(({ source }) => [source, format])),
)

const OPTIONAL =
  'a property cannot be optional, use .nullable() or .default() (in a JSON Schema list it in "required", or let it be null)'

/** Rewrites a JSON Schema into the strict subset. Throws with the path if that is not possible. */
function toStrict(
  given: JsonSchema,
  path: readonly PropertyKey[],
  definitions: Definitions,
  tuples: Tuples,
): JsonSchema {
  const strict: Record<string, unknown> = {}
  const child = (of: JsonSchema, ...at: PropertyKey[]) => toStrict(of, [...path, ...at], definitions, tuples)
  const patterns: unknown[] = []
  const schema = asObject(given, path, definitions, tuples)
  for (const [word, value] of Object.entries(schema)) {
    switch (word) {
      case '$ref':
        strict['$ref'] = value === '#' ? ROOT_REF : value
        break
      case 'items':
        strict['items'] = child(value as JsonSchema, word)
        break
      case 'anyOf':
      case 'oneOf':
        // Strict mode has no `oneOf`. Zod writes `oneOf` where at most one option can match, and
        // checks the result itself.
        if ((value as JsonSchema[]).length === 0) refuse(path, 'a union needs an option')
        strict['anyOf'] = (value as JsonSchema[]).map((of, i) => child(of, word, i))
        break
      case 'allOf':
        // Other parts of an intersection than patterns would be lost.
        if ((value as JsonSchema[]).some((part) => Object.keys(part).join() !== 'pattern')) {
          refuse(path, 'an intersection cannot be expressed, use one z.object()')
        }
        patterns.push(...(value as JsonSchema[]).map(({ pattern }) => pattern))
        break
      case 'pattern':
        patterns.push(value)
        break
      case 'properties':
        strict['properties'] = mapValues(value as Definitions, (of, name) => {
          if (name === '__proto__') refuse([...path, word, name], 'Zod does not read a property of this name')
          const isRequired = (schema['required'] as string[] | undefined)?.includes(name) ?? false
          if (!isRequired && !mayAlwaysBeWritten(of, definitions)) {
            refuse([...path, word, name], OPTIONAL)
          }
          return child(of, word, name)
        })
        strict['required'] = Object.keys(value as object)
        strict['additionalProperties'] = false
        break
      case 'additionalProperties':
        if (value !== false) refuse(path, 'an object cannot have keys that the schema does not list')
        break
      default:
        if (KEPT.has(word)) strict[word] = value
        else if (REFUSED.has(word)) refuse(path, `"${word}" cannot be expressed`)
    }
  }
  if (!MEANINGFUL.some((word) => word in strict)) {
    refuse(path, 'there is no JSON type, as in z.any(), z.date() or z.custom()')
  }
  // Some decoders need the type of an enum, which some libraries leave out.
  const listed = 'const' in strict ? [strict['const']] : strict['enum']
  if (listed !== undefined) strict['type'] ??= typeOf(listed as unknown[])
  const formats = [strict['format'], ...patterns.map((pattern) => FORMAT_OF.get(pattern))]
  const format = formats.find((name) => FORMATS.includes(name as string))
  if (format === undefined) delete strict['format']
  else strict['format'] = format
  // Strict mode has no place for several patterns. They are checked only in the library.
  const [own, ...others] = patterns.filter((pattern) => !FORMAT_OF.has(pattern))
  if (own !== undefined && others.length === 0) strict['pattern'] = own
  // The bounds of JavaScript's integers do not help a model.
  if (strict['minimum'] === Number.MIN_SAFE_INTEGER) delete strict['minimum']
  if (strict['maximum'] === Number.MAX_SAFE_INTEGER) delete strict['maximum']
  // A `$ref` may have no other keywords beside it.
  const { $ref, ...beside } = strict
  return $ref !== undefined && Object.keys(beside).length > 0 ? { ...beside, anyOf: [{ $ref }] } : strict
}

/**
 * Whether an optional property can become required: it has a default, so any value is allowed, or
 * it may be null.
 */
function mayAlwaysBeWritten(
  schema: JsonSchema,
  definitions: Definitions,
  seen: readonly JsonSchema[] = [],
): boolean {
  if (seen.includes(schema)) return false
  if ('default' in schema || [schema['type']].flat().includes('null')) return true
  const options = [...((schema['anyOf'] ?? []) as JsonSchema[]), definitions[nameOf(schema) ?? '']]
  return options.some((option) => option && mayAlwaysBeWritten(option, definitions, [...seen, schema]))
}

/** The type, or the types, of the values of an enum. */
function typeOf(values: readonly unknown[]): unknown {
  const types = [...new Set(values.map((value) => (value === null ? 'null' : typeof value)))]
  return types.length === 1 ? types[0] : types
}

/** The schema of a tuple, or of a record whose keys are all known, as the schema of an object. */
function asObject(
  schema: JsonSchema,
  path: readonly PropertyKey[],
  definitions: Definitions,
  tuples: Tuples,
): JsonSchema {
  const { prefixItems, items, propertyNames, additionalProperties, required } = schema
  if (Array.isArray(prefixItems)) {
    if (prefixItems.length === 0) refuse(path, 'a tuple needs an item')
    if (Object.keys(items ?? {}).length > 0) refuse(path, 'a tuple cannot have a rest, use z.array()')
    return tuples.asObject(schema)
  }
  // Zod requires the keys of a record whose keys are an enum or literals. Keys with a default are
  // not required.
  if (propertyNames === undefined) return schema
  const hasDefault = mayAlwaysBeWritten((additionalProperties ?? {}) as JsonSchema, definitions)
  const keys = required ?? (hasDefault ? (propertyNames as JsonSchema)['enum'] : undefined)
  if (!Array.isArray(keys)) return schema
  const properties = Object.fromEntries((keys as string[]).map((key) => [key, additionalProperties]))
  return { ...schema, properties, additionalProperties: false }
}

export function refuse(path: readonly PropertyKey[], why: string): never {
  throw withOption(
    'schema',
    new TypeError(
      `Expected \`schema\` to be expressible as a strict JSON Schema, but at ${readable(path)} it is not: ${why}`,
    ),
  )
}

/**
 * Turns a path in the JSON Schema into a path in the result: `['properties', 'tags', 'items']`
 * becomes `tags[]`.
 */
function readable(path: readonly PropertyKey[]): string {
  let result = ''
  for (let i = 0; i < path.length; i++) {
    const word = path[i]
    if (word === 'properties') result += `${result && '.'}${String(path[++i])}`
    else if (word === 'items') result += '[]'
    else if (word === 'anyOf' || word === 'oneOf') result += `|${String(path[++i])}`
    else if (word === '$defs') result += `$defs.${String(path[++i])}`
  }
  return result || 'its root'
}
