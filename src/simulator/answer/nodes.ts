import type { Labels } from './labels.ts'
import { SchemaError } from '../schema-source.ts'

/**
 * Largest number of levels in a schema, with references counted as levels. The limit protects the
 * stack.
 */
export const deepest = 300

/** A constant value: a `const`, or null. */
type FixedNode = { kind: 'fixed'; value: unknown }

/** One of the values of an `enum`. */
type LabelsNode = { kind: 'labels'; labels: Labels }

/** A boolean. It is true if the record's text has a word of the property's name. */
type BooleanNode = { kind: 'boolean' }

export type NumberNode = {
  kind: 'number'
  integer: boolean
  minimum: number
  maximum: number
  /** Whether the bounds themselves are not allowed. */
  above: boolean
  below: boolean
  multipleOf: number | undefined
}

export type StringNode = {
  kind: 'string'
  format: string | undefined
  pattern: string | undefined
  minLength: number
  maxLength: number
}

export type ArrayNode = {
  kind: 'array'
  /** Schemas of the first items, by position. */
  prefix: Node[]
  /** Schema of all further items; `undefined` if further items are not allowed. */
  items: Node | undefined
  minItems: number
  maxItems: number
}

export type Property = {
  name: string
  hash: number
  keys: readonly string[]
  node: Node
  required: boolean
  /** Whether the property is named like a record's id. */
  isId: boolean
  /**
   * Whether the property is named like a confidence. Its number shows how well the record's words
   * match.
   */
  isConfidence: boolean
}

/**
 * `labels` is the first enum among the properties. A confidence in the same object refers to it.
 */
export type ObjectNode = { kind: 'object'; properties: Property[]; labels: Labels | undefined }

/**
 * One of several schemas. `discriminator` names each option by its constant property, if the
 * options have such a property.
 */
export type UnionNode = { kind: 'union'; options: Node[]; discriminator: Labels | undefined }

/** A `$ref`. Only such nodes can be recursive. `to` is set before the compilation ends. */
export type RefNode = { kind: 'ref'; to: Node | undefined }

/** One schema, prepared for answers. */
export type Node =
  | FixedNode
  | LabelsNode
  | BooleanNode
  | NumberNode
  | StringNode
  | ArrayNode
  | ObjectNode
  | UnionNode
  | RefNode

/** Returns the node itself, or the node to which its references lead. */
export function target(node: Node): Exclude<Node, RefNode> {
  let found = node
  while (found.kind === 'ref') {
    if (found.to === undefined) throw new Error('a reference was used before the schema was compiled')
    found = found.to
  }
  return found
}

/** Returns the options of a union, or the node alone. */
export function optionsOf(node: Node): Exclude<Node, RefNode>[] {
  const found = target(node)
  return found.kind === 'union' ? found.options.map(target) : [found]
}

/** Returns the enum of a property's value, through `nullable` and references. */
export function labelsOf(node: Node): Labels | undefined {
  return optionsOf(node).find((option) => option.kind === 'labels')?.labels
}

/** Returns the direct parts of a node. */
export function partsOf(node: Node): Node[] {
  switch (node.kind) {
    case 'array':
      return node.items === undefined ? node.prefix : [...node.prefix, node.items]
    case 'object':
      return node.properties.map((property) => property.node)
    case 'union':
      return node.options
    case 'ref':
      return node.to === undefined ? [] : [node.to]
    default:
      return []
  }
}

/** Returns every reachable node once. Parts come before the whole, except in recursion. */
export function allNodes(root: Node): Node[] {
  const seen = new Set<Node>()
  const ordered: Node[] = []
  const visit = (node: Node, depth: number) => {
    if (seen.has(node)) return
    if (depth > deepest) throw new SchemaError(`the schema is nested more than ${deepest} levels deep`)
    seen.add(node)
    for (const part of partsOf(node)) visit(part, depth + 1)
    ordered.push(node)
  }
  visit(root, 0)
  return ordered
}
