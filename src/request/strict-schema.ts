import * as z from 'zod/v4/core'
import { withOption } from '../base/option-checks.ts'

export type JsonSchema = Readonly<Record<string, unknown>>
export type Definitions = Readonly<Record<string, JsonSchema>>

/**
 * Name of the definition for a result schema that refers to itself. Zod writes this reference as
 * `#`.
 */
export const ROOT_DEFINITION = 'llm_pack_stream_record'
export const ROOT_REF = `#/$defs/${ROOT_DEFINITION}`

/**
 * Makes the JSON Schema of a record's result, and of its definitions, in the subset of strict
 * structured outputs.
 *
 * @throws {TypeError} If the subset cannot express the schema. The message names the place.
 */
export function strictSchema(schema: z.$ZodType): { record: JsonSchema; definitions: Definitions } {
  let whole: JsonSchema
  try {
    // The model writes the schema's input. Transforms and defaults run when the element is checked.
    whole = z.toJSONSchema(schema, {
      io: 'input',
      // A type without a JSON form becomes an empty schema. The code below refuses it with its
      // path, which Zod's own message lacks.
      unrepresentable: 'any',
      override: ({ zodSchema, path }) => {
        const { type } = zodSchema._zod.def
        if (type === 'promise' || type === 'file') refuse(path, `z.${type}() cannot be written by a model`)
      },
    })
  } catch (error) {
    if (error instanceof TypeError) throw error
    const said = error instanceof Error ? error.message : String(error)
    throw withOption(
      'schema',
      new TypeError(`Expected \`schema\` to be expressible as JSON Schema: ${said}`, { cause: error }),
    )
  }
  const { $defs = {}, ...record } = whole as JsonSchema & { $defs?: Definitions }
  return {
    record: toStrict(record, [], $defs),
    definitions: mapValues($defs, (definition, name) => {
      const at = ['$defs', name]
      if (name.includes('%')) refuse(at, 'the name of a definition cannot have a %')
      if (name === ROOT_DEFINITION) refuse(at, 'the library uses this name itself')
      return toStrict(definition, at, $defs)
    }),
  }
}

/** Keywords that structured outputs support. They are passed on unchanged. */
const KEPT = new Set([
  ...['type', 'description', 'enum', 'const', 'pattern', 'format', 'minLength', 'maxLength'],
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

const OPTIONAL =
  'a property cannot be optional, use .nullable() or .default() (in a JSON Schema list it in "required", or let it be null)'

/**
 * Rewrites Zod's JSON Schema into the strict subset. Throws with the path if that is not possible.
 */
function toStrict(schema: JsonSchema, path: readonly PropertyKey[], definitions: Definitions): JsonSchema {
  const strict: Record<string, unknown> = {}
  const child = (of: JsonSchema, ...at: PropertyKey[]) => toStrict(of, [...path, ...at], definitions)
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
        // Several patterns are checked only in the library. Other parts of an intersection would be
        // lost.
        if ((value as JsonSchema[]).some((part) => Object.keys(part).some((key) => key !== 'pattern'))) {
          refuse(path, 'an intersection cannot be expressed, use one z.object()')
        }
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
      case 'prefixItems':
        refuse(path, 'an array cannot be a tuple, use z.object() or z.array()')
      default:
        if (KEPT.has(word)) strict[word] = value
        else if (REFUSED.has(word)) refuse(path, `"${word}" cannot be expressed`)
    }
  }
  if (!MEANINGFUL.some((word) => word in strict)) {
    refuse(path, 'there is no JSON type, as in z.any(), z.date() or z.custom()')
  }
  if (!FORMATS.includes(strict['format'] as string)) delete strict['format']
  // Zod's patterns for these formats are long, and some decoders do not support their syntax.
  else delete strict['pattern']
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

/** Name of the definition that a schema refers to. */
export function nameOf(schema: JsonSchema): string | undefined {
  const ref = typeof schema['$ref'] === 'string' ? schema['$ref'] : ''
  return /^#\/\$defs\/(.*)$/.exec(ref)?.[1]?.replaceAll('~1', '/').replaceAll('~0', '~')
}

function mapValues<V, W>(object: Record<string, V>, map: (value: V, key: string) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]))
}

function refuse(path: readonly PropertyKey[], why: string): never {
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
