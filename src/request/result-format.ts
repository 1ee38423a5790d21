import * as z from 'zod/v4/core'
import { wordFor, type ResultIssue } from '../record/errors.ts'
import { nameOf, ROOT_DEFINITION, ROOT_REF, strictSchema, type JsonSchema } from './strict-schema.ts'

/** What an element of the answer turned out to be. */
export type Decoded<T> =
  /** `result`: what the model wrote, before the schema's transforms. */
  | { id: number; value: T; result: unknown }
  | { id: number; issues: readonly ResultIssue[] }
  /** Not a JSON object, or one without an integer id. */
  | { id: undefined }

/** How results are asked for and read back: one constant schema for packs of every size. */
export interface ResultFormat<T> {
  /** JSON Schema of the whole answer, as strict structured outputs want it. */
  readonly jsonSchema: JsonSchema
  /** Whether the record's properties stand beside `id`; otherwise the result stands under `value`. */
  readonly flat: boolean
  /** Where `flat`: the properties, all of which the model has to write. */
  readonly names: readonly string[]
  /** Reads one element from its own text. */
  decode: (text: string) => Decoded<T>
  /** Writes one element, as a few-shot example shows it. */
  encode: (id: number, value: unknown) => string
  /** Checks a result against the record's schema. */
  check: (value: unknown) => { value: T } | { issues: readonly ResultIssue[] }
}

/**
 * Decides, once for a stream, the form of its elements.
 *
 * @throws {TypeError} If strict structured outputs cannot express the schema; the message names the place.
 */
export function resultFormat<T>(schema: z.$ZodType<T>): ResultFormat<T> {
  const { record, definitions } = strictSchema(schema)
  // A root with a name of its own is a reference to its definition.
  const root = definitions[nameOf(record) ?? ''] ?? record
  const properties = root['properties'] as JsonSchema | undefined
  // Beside `id`, unless that would not be the only or the first one: JavaScript puts integer-like names in front.
  const hinders = (name: string) => name === 'id' || /^(0|[1-9]\d*)$/.test(name)
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

  const check = (value: unknown): { value: T } | { issues: readonly ResultIssue[] } => {
    let result: ReturnType<typeof z.safeParse<z.$ZodType<T>>>
    try {
      result = z.safeParse(schema, value)
    } catch (error) {
      if (error instanceof z.$ZodAsyncError) {
        const message =
          'Expected `schema` to check results at once, but a refinement or transform of it is async'
        throw new TypeError(message, { cause: error })
      }
      // A refinement or transform of the user's own threw.
      return {
        issues: [{ path: [], message: `The schema threw ${wordFor(error)}` }],
      }
    }
    return result.success
      ? { value: result.data }
      : { issues: result.error.issues.map((issue) => ({ path: issue.path, message: messageOf(issue) })) }
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
    if (!flat && !('value' in rest)) {
      return { id: id as number, issues: [{ path: [], message: 'There is no value' }] }
    }
    const result: unknown = 'value' in rest && !flat ? rest.value : rest
    return { id: id as number, result, ...check(result) }
  }

  const encode = (id: number, value: unknown): string => {
    if (!flat) return JSON.stringify({ id, value })
    const listed = Object.entries(value as object).filter(([name]) => names.includes(name))
    return JSON.stringify({ id, ...Object.fromEntries(listed) })
  }

  return { jsonSchema, flat, names: flat ? names : [], decode, encode, check }
}

/** Zod's message, but for the one that quotes what the model wrote. */
function messageOf({ code, message }: z.$ZodIssue): string {
  return code === 'unrecognized_keys' ? 'Unrecognized keys' : message
}

function closedObject(properties: Record<string, unknown>) {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}
