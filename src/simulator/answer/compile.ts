import { hashText } from '../hash.ts'
import { isObject } from '../json-text.ts'
import { Labels } from './labels.ts'
import { measureHeights } from './heights.ts'
import { allNodes, deepest, type Node, type NumberNode, type Property, type RefNode } from './nodes.ts'
import { isIdName } from './records.ts'
import { flatten, isComposed, plainReference, type Schema, SchemaError } from '../schema-source.ts'
import { findSpread, linkLabels, type Spread } from './links.ts'
import { nameKeys } from './words.ts'

/** A schema that is prepared for any number of answers. */
export type CompiledSchema = {
  node: Node
  /** Depth of the smallest value of each node; infinite if no value ends. */
  heights: ReadonlyMap<Node, number>
  /** The array with one element per record, if the schema has such an array. */
  spread: Spread | undefined
}

/**
 * Compiles a JSON Schema. Throws a `SchemaError` if no value can match it, or if a reference leads
 * nowhere.
 */
export function compileSchema(root: unknown): CompiledSchema {
  if (!isObject(root)) throw new SchemaError('the schema must be an object')
  const compiler = new Compiler(root)
  const node = compiler.compileRoot()
  const nodes = allNodes(node)
  linkLabels(nodes)
  const heights = measureHeights(nodes)
  if (heights.get(node) === Infinity) throw new SchemaError('the schema contains itself without an end')
  return { node, heights, spread: findSpread(node) }
}

class Compiler {
  readonly #root: Schema
  readonly #targets = new Map<Schema, Node>()
  readonly #pending: { schema: Schema; ref: RefNode }[] = []

  constructor(root: Schema) {
    this.#root = root
  }

  compileRoot(): Node {
    const node = this.#compile({ $ref: '#' }, 0)
    // References are compiled one after the other, and never inside each other. This ends
    // recursion.
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      let to = this.#targets.get(next.schema)
      if (to === undefined) {
        to = this.#compile(isComposed(next.schema) ? flatten(next.schema, this.#root) : next.schema, 0)
        this.#targets.set(next.schema, to)
      }
      next.ref.to = to
    }
    return node
  }

  #compile(schema: unknown, depth: number): Node {
    if (!isObject(schema)) return anything
    if (depth > deepest) throw new SchemaError(`the schema is nested more than ${deepest} levels deep`)
    if (isComposed(schema)) {
      const ref: RefNode = { kind: 'ref', to: undefined }
      this.#pending.push({ schema: plainReference(schema, this.#root) ?? schema, ref })
      return ref
    }
    if (schema['const'] !== undefined) return { kind: 'fixed', value: schema['const'] }
    if (Array.isArray(schema['enum'])) return enumNode(schema['enum'] as unknown[])
    return this.#union(schema, depth) ?? this.#typed(schema, depth)
  }

  #union(schema: Schema, depth: number): Node | undefined {
    const { anyOf, oneOf, type, nullable, ...base } = schema
    const rest: Schema = type === undefined ? base : { ...base, type }
    const compileAll = (schemas: Schema[]) => unionNode(schemas.map((each) => this.#compile(each, depth + 1)))
    if (nullable === true) return compileAll([{ ...schema, nullable: false }, { type: 'null' }])
    const listed = anyOf ?? oneOf
    if (Array.isArray(listed)) {
      const options = (listed as unknown[]).filter(isObject)
      const bare = type === undefined && base['properties'] === undefined
      return compileAll(bare ? options : options.map((each) => ({ allOf: [rest, each] })))
    }
    if (!Array.isArray(type)) return undefined
    return compileAll((type as unknown[]).map((each) => ({ ...base, type: each })))
  }

  #typed(schema: Schema, depth: number): Node {
    switch (schema['type'] ?? impliedType(schema)) {
      case 'object':
        return this.#object(schema, depth)
      case 'array':
        return this.#array(schema, depth)
      case 'integer':
      case 'number':
        return numberNode(schema)
      case 'boolean':
        return { kind: 'boolean' }
      case 'null':
        return { kind: 'fixed', value: null }
      default:
        return {
          kind: 'string',
          format: textOption(schema['format']),
          pattern: textOption(schema['pattern']),
          minLength: numberOption(schema['minLength'], 0),
          maxLength: numberOption(schema['maxLength'], Infinity),
        }
    }
  }

  #object(schema: Schema, depth: number): Node {
    const properties = isObject(schema['properties']) ? schema['properties'] : {}
    const required = new Set(Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : [])
    const names = new Set(Object.keys(properties))
    for (const name of required) if (typeof name === 'string') names.add(name)
    const compiled = [...names].map((name): Property => {
      const own = Object.hasOwn(properties, name) ? properties[name] : schema['additionalProperties']
      return {
        name,
        hash: hashText(name),
        keys: nameKeys(name),
        node: this.#compile(own, depth + 1),
        required: required.has(name),
        isId: isIdName(name),
        isConfidence: /confidence|score|probability|certainty|likelihood/iu.test(name),
      }
    })
    return { kind: 'object', properties: compiled, labels: undefined }
  }

  #array(schema: Schema, depth: number): Node {
    const { prefixItems, items, additionalItems } = schema
    const listed = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : []
    const further = Array.isArray(items) ? additionalItems : items
    return {
      kind: 'array',
      prefix: (listed as unknown[]).map((each) => this.#compile(each, depth + 1)),
      items: further === false ? undefined : this.#compile(further, depth + 1),
      minItems: numberOption(schema['minItems'], 0),
      maxItems: numberOption(schema['maxItems'], Infinity),
    }
  }
}

/** The node for a schema that allows any value. */
const anything: Node = {
  kind: 'string',
  format: undefined,
  pattern: undefined,
  minLength: 0,
  maxLength: Infinity,
}

function enumNode(values: unknown[]): Node {
  if (values.length === 0) throw new SchemaError('an enum has no values')
  return values.length === 1
    ? { kind: 'fixed', value: values[0] }
    : { kind: 'labels', labels: new Labels(values) }
}

function unionNode(options: Node[]): Node {
  if (options.length === 0) throw new SchemaError('a union has no options')
  return { kind: 'union', options, discriminator: undefined }
}

function numberNode(schema: Schema): NumberNode {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  const [least, above] = [numberOption(minimum, -Infinity), numberOption(exclusiveMinimum, -Infinity)]
  const [most, below] = [numberOption(maximum, Infinity), numberOption(exclusiveMaximum, Infinity)]
  return {
    kind: 'number',
    integer: schema['type'] === 'integer',
    minimum: Math.max(least, above),
    maximum: Math.min(most, below),
    above: above >= least && above > -Infinity,
    below: below <= most && below < Infinity,
    multipleOf: typeof multipleOf === 'number' && multipleOf > 0 ? multipleOf : undefined,
  }
}

function impliedType(schema: Schema): string {
  if (schema['properties'] !== undefined || schema['additionalProperties'] !== undefined) return 'object'
  if (schema['items'] !== undefined || schema['prefixItems'] !== undefined) return 'array'
  if (schema['minimum'] !== undefined || schema['maximum'] !== undefined) return 'number'
  return 'string'
}

function textOption(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function numberOption(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}
