import { isObject } from './json-text.ts'

/** A JSON Schema as it came in the request: an object of keywords, nothing checked yet. */
export type Schema = Record<string, unknown>

/** The schema cannot be answered; the message says why, for the client. */
export class SchemaError extends Error {
  override name = 'SchemaError'
}

/** Keywords that say nothing about the value. Beside `$ref` they leave it a plain reference. */
const annotations = new Set(
  '$schema $id $anchor $comment $defs definitions title description default example examples deprecated readOnly'.split(
    ' ',
  ),
)

/** References and parts gathered into one schema before they count as a circle. */
const mostParts = 500

/** Like `follow`, but throws a `SchemaError` if there is nothing. */
function lookUp(ref: unknown, root: Schema): Schema {
  if (typeof ref !== 'string' || !ref.startsWith('#')) {
    throw new SchemaError(`$ref must point into the schema itself, got ${JSON.stringify(ref)}`)
  }
  const found = follow(ref, root)
  if (found === undefined) throw new SchemaError(`$ref ${JSON.stringify(ref)} points to nothing`)
  return found
}

/** What a `$ref` of the forms `#`, `#/$defs/name` and any other pointer into the same schema points to. */
export function follow(ref: string, root: Schema): Schema | undefined {
  let found: unknown = root
  for (const step of ref.split('/').slice(1)) {
    const key = decodeStep(step).replaceAll('~1', '/').replaceAll('~0', '~')
    const inside: unknown = found
    const known = (isObject(inside) || Array.isArray(inside)) && Object.hasOwn(inside, key)
    found = known ? (inside as Schema)[key] : undefined
  }
  return isObject(found) ? found : undefined
}

function decodeStep(step: string): string {
  try {
    return decodeURIComponent(step)
  } catch {
    return step
  }
}

/** What a schema that is nothing but a `$ref` points to, `undefined` for every other schema. */
export function plainReference(schema: Schema, root: Schema): Schema | undefined {
  if (schema['$ref'] === undefined) return undefined
  const plain = Object.keys(schema).every((key) => key === '$ref' || annotations.has(key))
  return plain ? lookUp(schema['$ref'], root) : undefined
}

/** Whether a schema gets its keywords from others, by `$ref` or `allOf`. */
export function isComposed(schema: Schema): boolean {
  return schema['$ref'] !== undefined || Array.isArray(schema['allOf'])
}

/** One schema without `$ref` and `allOf` at its top that says what the given one says. */
export function flatten(schema: Schema, root: Schema, budget = { left: mostParts }): Schema {
  if (budget.left-- <= 0) throw new SchemaError('$ref and allOf refer to each other too often or in a circle')
  const { $ref, allOf, ...own } = schema
  let merged: Schema = {}
  if ($ref !== undefined) merged = merge(merged, flatten(lookUp($ref, root), root, budget))
  for (const part of Array.isArray(allOf) ? (allOf as unknown[]) : []) {
    if (isObject(part)) merged = merge(merged, flatten(part, root, budget))
  }
  return merge(merged, own)
}

/** Both schemas at once: properties united, bounds narrowed, of everything else the second's. */
function merge(first: Schema, second: Schema): Schema {
  const merged: Schema = { ...first, ...second }
  for (const key of ['properties', '$defs', 'definitions']) {
    const [a, b] = [first[key], second[key]]
    if (isObject(a) && isObject(b)) merged[key] = { ...a, ...b }
  }
  const [a, b] = [first['required'], second['required']]
  if (Array.isArray(a) && Array.isArray(b)) merged['required'] = [...(a as unknown[]), ...(b as unknown[])]
  for (const key of ['minimum', 'exclusiveMinimum', 'minLength', 'minItems']) narrow(key, Math.max)
  for (const key of ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems']) narrow(key, Math.min)
  return merged

  function narrow(key: string, choose: (a: number, b: number) => number): void {
    const [one, other] = [first[key], second[key]]
    if (typeof one === 'number' && typeof other === 'number') merged[key] = choose(one, other)
  }
}
