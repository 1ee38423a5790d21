import type { ResultIssue } from '../record/errors.ts'
import { nameOf, type JsonSchema } from './json-schema.ts'
import { ROOT_DEFINITION, ROOT_REF, strictSchema } from './strict-schema.ts'
import { Tuples } from './tuples.ts'
import { readUserSchema, type Checked, type UserSchema } from './user-schema.ts'

/** The result of reading one element of the answer. */
export type Decoded<T> =
  /** `result`: the value that the model wrote, before the schema's transforms. */
  | { id: unknown; result: unknown; value: T }
  | { id: unknown; result: unknown; issues: readonly ResultIssue[] }
  /** The element is not a JSON object, or has no id. */
  | { id: undefined }

/**
 * Writes the schema for the results and reads the results back. One constant schema serves packs of
 * every size.
 */
export interface ResultFormat<T> {
  /** JSON Schema of the whole answer, in the subset of strict structured outputs. */
  readonly jsonSchema: JsonSchema
  /**
   * Whether the result's properties are beside `id`. Otherwise the result is the property `value`.
   */
  readonly flat: boolean
  /** If `flat`: the properties, all of which the model must write. Otherwise empty. */
  readonly names: readonly string[]
  /** Reads one element from its JSON text. */
  decode: (text: string) => Decoded<T>
  /** Writes one element for a few-shot example. */
  encode: (id: number, value: unknown) => string
  /** Checks a result, as the model or the user wrote it, against the user's schema. */
  check: (value: unknown) => Checked<T>
}

/**
 * Decides the form of the elements, once for a stream.
 *
 * @throws {TypeError} If strict structured outputs cannot express the schema. The message names the
 *   place.
 */
export function resultFormat<T>(schema: UserSchema<T>): ResultFormat<T> {
  const user = readUserSchema(schema)
  const tuples = new Tuples(user.json)
  const { record, definitions } = strictSchema(user.json, tuples)
  // A root with its own name is a reference to its definition.
  const root = definitions[nameOf(record) ?? ''] ?? record
  const properties = root['properties'] as JsonSchema | undefined
  // The properties go beside `id` only if `id` stays unique and first. JavaScript puts names like
  // integers in front of other names. A tuple stays together.
  const hinders = (name: string) => ['id', tuples.item(0)].includes(name) || /^(0|[1-9]\d*)$/.test(name)
  const names = Object.keys(properties ?? {})
  const flat = root['type'] === 'object' && properties !== undefined && !names.some(hinders)
  const refersToRoot = JSON.stringify([record, definitions]).includes(JSON.stringify(ROOT_REF))
  const allDefinitions = { ...definitions, ...(refersToRoot ? { [ROOT_DEFINITION]: record } : {}) }
  const { description } = root

  const element = closedObject({
    id: { type: 'integer' },
    ...(flat ? properties : { value: refersToRoot ? { $ref: ROOT_REF } : record }),
  })
  const items = flat && typeof description === 'string' ? { ...element, description } : element
  const jsonSchema = {
    ...closedObject({ results: { type: 'array', items } }),
    ...(Object.keys(allDefinitions).length > 0 ? { $defs: allDefinitions } : {}),
  }

  const check = (value: unknown): Checked<T> => user.check(tuples.toArrays(value))

  const decode = (text: string): Decoded<T> => {
    let element: unknown
    try {
      element = JSON.parse(text)
    } catch {
      return { id: undefined }
    }
    if (typeof element !== 'object' || element === null || !('id' in element)) return { id: undefined }
    const { id, ...rest } = element
    if (!flat && !('value' in rest)) {
      return { id, result: rest, issues: [{ path: [], message: 'The element has no property "value"' }] }
    }
    const result: unknown = 'value' in rest && !flat ? rest.value : rest
    return { id, result, ...check(result) }
  }

  const encode = (id: number, result: unknown): string => {
    const value = tuples.toObjects(result, record, allDefinitions)
    if (!flat) return JSON.stringify({ id, value })
    const listed = Object.entries(value as object).filter(([name]) => names.includes(name))
    return JSON.stringify({ id, ...Object.fromEntries(listed) })
  }

  return { jsonSchema, flat, names: flat ? names : [], decode, encode, check }
}

function closedObject(properties: Record<string, unknown>) {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}
