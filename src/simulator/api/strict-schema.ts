import { isObject } from '../json-text.ts'
import { follow, type Schema } from '../schema-source.ts'
import { shown } from '../shown.ts'

const formats = ['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid']

const refused = [
  ...['allOf', 'not', 'if', 'then', 'else', 'dependentRequired', 'dependentSchemas'],
  ...['oneOf', 'prefixItems', 'uniqueItems', 'patternProperties'],
]

/** A schema must have one of these keywords, or it does not describe a value. */
const telling = ['type', 'anyOf', 'enum', 'const', '$ref']

/** A schema inside the root. `steps` is the path from the schema `within` to this schema. */
type Place = { schema: Schema; steps: readonly string[]; within: Place | undefined }

/**
 * Returns the reason for which OpenAI refuses a schema with `strict: true`, in OpenAI's words.
 * `undefined` if OpenAI accepts it. Does not check the limits on the size of a schema.
 */
export function strictProblem(root: unknown): string | undefined {
  const schema = asSchema(root)
  const { type } = schema
  if (type !== 'object') {
    const got = typeof type === 'string' ? type : 'None'
    return `schema must be a JSON Schema of 'type: "object"', got 'type: "${got}"'`
  }
  if (has(schema, 'anyOf')) return "In context=(), 'anyOf' is not permitted"

  // The list grows during the loop. Without recursion, no schema is nested too deeply for the
  // stack.
  const places: Place[] = [{ schema, steps: [], within: undefined }]
  for (const place of places) {
    const problem = ownProblem(place.schema, schema)
    if (problem !== undefined) return `In context=(${contextOf(place)}), ${problem}`
    for (const [steps, inner] of schemasIn(place.schema)) {
      places.push({ schema: asSchema(inner), steps, within: place })
    }
  }
  return undefined
}

/** Returns the problem of a schema itself, without the schemas inside it. */
function ownProblem(schema: Schema, root: Schema): string | undefined {
  if (has(schema, '$ref')) return referenceProblem(schema, root)
  const keyword = refused.find((each) => has(schema, each))
  if (keyword !== undefined) return `'${keyword}' is not permitted`
  if (!telling.some((each) => has(schema, each))) return "schema must have a 'type' key"
  const { format } = schema
  if (format !== undefined && !formats.includes(format as string)) {
    return `${shown(format)} is not a valid format`
  }
  return objectProblem(schema)
}

function referenceProblem({ $ref, ...beside }: Schema, root: Schema): string | undefined {
  const keywords = Object.keys(beside)
  if (keywords.length > 0) return `$ref cannot have keywords {${quoted(keywords)}}`
  // Only pointers are followed. An anchor (`#name`) is not followed.
  const isPointer = typeof $ref === 'string' && /^#(?:\/|$)/u.test($ref)
  if (isPointer && follow($ref, root) !== undefined) return undefined
  return `reference to component ${shown($ref)} which was not found in the schema`
}

function objectProblem({ type, properties, required, additionalProperties }: Schema): string | undefined {
  if (![type].flat().includes('object') && properties === undefined) return undefined
  if (additionalProperties !== false) {
    return "'additionalProperties' is required to be supplied and to be false"
  }
  const listed = new Set(Array.isArray(required) ? (required as unknown[]) : [])
  const missing = Object.keys(asSchema(properties)).find((name) => !listed.has(name))
  if (missing === undefined) return undefined
  return (
    "'required' is required to be supplied and to be an array including every key in properties. " +
    `Missing '${missing}'`
  )
}

function* schemasIn(schema: Schema): Generator<[steps: string[], inner: unknown]> {
  for (const word of ['properties', '$defs', 'definitions', 'anyOf']) {
    const inner = schema[word]
    if (typeof inner !== 'object' || inner === null) continue
    for (const [name, each] of Object.entries(inner)) yield [[word, name], each]
  }
  if (has(schema, 'items')) yield [['items'], schema['items']]
}

function contextOf(place: Place): string {
  const parts: (readonly string[])[] = []
  for (let at: Place | undefined = place; at !== undefined; at = at.within) parts.push(at.steps)
  return quoted(parts.reverse().flat())
}

/** A value that is not an object, such as `true`, counts as an empty schema. */
function asSchema(value: unknown): Schema {
  return isObject(value) ? value : {}
}

function has(schema: Schema, keyword: string): boolean {
  return Object.hasOwn(schema, keyword)
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ')
}
