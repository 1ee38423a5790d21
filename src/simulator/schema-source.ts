import { isObject } from './json-text.ts'

/** A JSON Schema from a request: an object of keywords that is not checked yet. */
export type Schema = Record<string, unknown>

/** The simulator cannot answer the schema. The message tells the client why. */
export class SchemaError extends Error {
  override name = 'SchemaError'
}

/**
 * Keywords that do not restrict the value. A schema with `$ref` and only such keywords is a plain
 * reference.
 */
const annotations = new Set(
  '$schema $id $anchor $comment $defs definitions title description default example examples deprecated readOnly'.split(
    ' ',
  ),
)

/** Number of references and parts in one schema above which the simulator assumes a circle. */
const mostParts = 500

/** Like `follow`, but throws a `SchemaError` if the reference leads nowhere. */
function lookUp(ref: unknown, root: Schema): Schema {
  if (typeof ref !== 'string' || !ref.startsWith('#')) {
    throw new SchemaError(`$ref must point into the schema itself, got ${JSON.stringify(ref)}`)
  }
  const found = follow(ref, root)
  if (found === undefined) throw new SchemaError(`$ref ${JSON.stringify(ref)} points to nothing`)
  return found
}

/**
 * Returns the schema to which a `$ref` points. The forms are `#`, `#/$defs/name` and any other
 * pointer into the same schema.
 */
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

/** Returns the target of a schema that has only a `$ref`. `undefined` for every other schema. */
export function plainReference(schema: Schema, root: Schema): Schema | undefined {
  if (schema['$ref'] === undefined) return undefined
  const plain = Object.keys(schema).every((key) => key === '$ref' || annotations.has(key))
  return plain ? lookUp(schema['$ref'], root) : undefined
}

/** Whether a schema takes keywords from other schemas by `$ref` or `allOf`. */
export function isComposed(schema: Schema): boolean {
  return schema['$ref'] !== undefined || Array.isArray(schema['allOf'])
}

/** Returns an equal schema without `$ref` and `allOf` at its top. */
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

/**
 * Merges two schemas: unites the properties, narrows the bounds, and takes the rest from the second
 * schema.
 */
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
