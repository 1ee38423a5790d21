import * as z from 'zod/v4/core'
import type { ResultIssue } from './errors.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/** What an element of the answer turned out to be. */
export type Decoded<T> =
  | { id: number; value: T }
  | { id: number; issues: readonly ResultIssue[] }
  /** Not a JSON object, or one without an integer id. */
  | { id: undefined }

/** How results are asked for and read back: one constant schema for packs of every size. */
export interface ResultFormat<T> {
  /** JSON Schema of the whole answer, as strict structured outputs want it. */
  readonly jsonSchema: JsonSchema
  /** Whether the record's properties stand beside `id`; otherwise the result stands under `value`. */
  readonly flat: boolean
  /** Reads one element from its own text. */
  decode: (text: string) => Decoded<T>
  /** Writes one element, as a few-shot example shows it. */
  encode: (id: number, value: unknown) => string
  /** Checks a result against the record's schema. */
  check: (value: unknown) => { value: T } | { issues: readonly ResultIssue[] }
}

/**
 * @throws {TypeError} If strict structured outputs cannot express the schema; the message names the place.
 */
export function resultFormat<T>(schema: z.$ZodType<T>): ResultFormat<T> {
  const { $defs, ...record } = toStrict(toJsonSchema(schema))
  const properties = record['properties'] as JsonSchema | undefined
  const flat = record['type'] === 'object' && properties !== undefined && !Object.hasOwn(properties, 'id')
  const recursive = JSON.stringify([record, $defs]).includes(JSON.stringify(ROOT_REF))
  const definitions = {
    ...($defs as JsonSchema | undefined),
    ...(recursive ? { [ROOT_DEFINITION]: record } : {}),
  }
  const { description } = record

  const element = closedObject({
    id: { type: 'integer' },
    ...(flat ? properties : { value: recursive ? { $ref: ROOT_REF } : record }),
  })
  const jsonSchema = {
    ...closedObject({
      results: {
        type: 'array',
        items: flat && typeof description === 'string' ? { ...element, description } : element,
      },
    }),
    ...(Object.keys(definitions).length > 0 ? { $defs: definitions } : {}),
  }

  const check = (value: unknown): { value: T } | { issues: readonly ResultIssue[] } => {
    let result: ReturnType<typeof z.safeParse<z.$ZodType<T>>>
    try {
      result = z.safeParse(schema, value)
    } catch (error) {
      // A refinement or transform of the user's own threw.
      return {
        issues: [
          { path: [], message: `The schema threw ${error instanceof Error ? error.name : 'an error'}` },
        ],
      }
    }
    return result.success
      ? { value: result.data }
      : { issues: result.error.issues.map(({ path, message }) => ({ path, message })) }
  }

  const decode = (text: string): Decoded<T> => {
    let element: unknown
    try {
      element = JSON.parse(text)
    } catch {
      return { id: undefined }
    }
    if (typeof element !== 'object' || element === null || !('id' in element)) return { id: undefined }
    const { id, ...rest } = element
    if (!Number.isInteger(id)) return { id: undefined }
    return { id: id as number, ...check(flat ? rest : (rest as { value?: unknown }).value) }
  }

  const encode = (id: number, value: unknown): string =>
    JSON.stringify(flat ? { id, ...(value as object) } : { id, value })

  return { jsonSchema, flat, decode, encode, check }
}

/** Where the record's own schema goes when it refers to itself, which Zod writes as `#`. */
const ROOT_DEFINITION = 'llm_pack_stream_record'
const ROOT_REF = `#/$defs/${ROOT_DEFINITION}`

function closedObject(properties: Record<string, unknown>) {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}

/** The model writes what the schema takes in; transforms and defaults are applied when the element is checked. */
function toJsonSchema(schema: z.$ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    // What has no JSON type comes out empty, and is refused below with its path, which Zod's own message lacks.
    unrepresentable: 'any',
  })
}

/** JSON Schema words that are passed on as they are. Bounds, patterns and enums are kept by the decoder of most servers. */
const KEPT = new Set([
  ...['description', 'enum', 'const', 'pattern', 'format', 'minLength', 'maxLength'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minItems', 'maxItems'],
])
/** Words that say nothing about what may be written. */
const DROPPED = new Set([
  ...['$schema', '$id', 'id', 'default', 'title', 'examples', 'deprecated', 'readOnly', 'writeOnly'],
  ...['required', 'propertyNames', 'contentEncoding', 'contentMediaType'],
])
/** At least one of these says what may be written. */
const MEANINGFUL = ['type', 'anyOf', 'enum', 'const', '$ref']
/** The string formats of OpenAI's structured outputs; others are checked here only. */
const FORMATS = ['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid']

/** Rewrites Zod's JSON Schema into the strict subset, or refuses it, naming the path. */
function toStrict(schema: JsonSchema, path: readonly PropertyKey[] = []): JsonSchema {
  const strict: Record<string, unknown> = {}
  for (const [word, value] of Object.entries(schema)) {
    const at = [...path, word]
    switch (word) {
      case 'type':
        strict['type'] = value
        break
      case '$ref':
        strict['$ref'] = value === '#' ? ROOT_REF : value
        break
      case '$defs':
        strict['$defs'] = mapValues(value as Record<string, JsonSchema>, (child, name) =>
          toStrict(child, [...at, name]),
        )
        break
      case 'items':
        strict['items'] = toStrict(value as JsonSchema, at)
        break
      case 'anyOf':
      case 'oneOf':
        // Strict mode has no oneOf. Zod writes it where at most one option can match anyway, and checks it afterwards.
        strict['anyOf'] = (value as JsonSchema[]).map((child, i) => toStrict(child, [...path, 'anyOf', i]))
        break
      case 'properties':
        strict['properties'] = mapValues(value as Record<string, JsonSchema>, (child, name) => {
          const isRequired = (schema['required'] as string[] | undefined)?.includes(name) ?? false
          if (!isRequired && !('default' in child) && !allowsNull(child)) {
            refuse([...at, name], 'a property cannot be optional, use .nullable() or .default()')
          }
          return toStrict(child, [...at, name])
        })
        strict['required'] = Object.keys(value as object)
        break
      case 'additionalProperties':
        if (value !== false) refuse(path, 'an object cannot have keys that the schema does not list')
        break
      case 'prefixItems':
        refuse(path, 'an array cannot be a tuple, use z.object() or z.array()')
      default:
        if (KEPT.has(word)) strict[word] = value
        else if (!DROPPED.has(word)) refuse(path, `"${word}" cannot be expressed`)
    }
  }
  if (!MEANINGFUL.some((word) => word in strict)) {
    refuse(path, 'there is no JSON type, as in z.any(), z.date() or z.custom()')
  }
  if (strict['type'] === 'object') strict['additionalProperties'] = false
  if (!FORMATS.includes(strict['format'] as string)) delete strict['format']
  // Zod's own patterns for its formats are long, and use what not every decoder knows.
  else delete strict['pattern']
  // The bounds of JavaScript's integers tell a model nothing.
  if (strict['minimum'] === Number.MIN_SAFE_INTEGER) delete strict['minimum']
  if (strict['maximum'] === Number.MAX_SAFE_INTEGER) delete strict['maximum']
  // A $ref may have no neighbours.
  const { $ref, ...beside } = strict
  return $ref !== undefined && Object.keys(beside).length > 0 ? { ...beside, anyOf: [{ $ref }] } : strict
}

function allowsNull(schema: JsonSchema): boolean {
  const options = (schema['anyOf'] ?? []) as JsonSchema[]
  return [schema['type']].flat().includes('null') || options.some(allowsNull)
}

function mapValues<V, W>(object: Record<string, V>, map: (value: V, key: string) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]))
}

function refuse(path: readonly PropertyKey[], why: string): never {
  throw new TypeError(
    `Expected \`schema\` to be expressible as a strict JSON Schema, but at ${readable(path)} ${why}`,
  )
}

/** `['properties', 'tags', 'items']` as `tags[]`: the path in the result, not in the JSON Schema. */
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
