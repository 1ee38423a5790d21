import type { Labels } from './labels.ts'
import { SchemaError } from '../schema-source.ts'

/** Levels a schema may be nested, references counted as levels. Protects the stack. */
export const deepest = 300

/** A value that is always the same: a `const`, or null. */
type FixedNode = { kind: 'fixed'; value: unknown }

/** One of the values of an `enum`. */
type LabelsNode = { kind: 'labels'; labels: Labels }

/** True if the record's text has a word of the property's name. */
type BooleanNode = { kind: 'boolean' }

export type NumberNode = {
  kind: 'number'
  integer: boolean
  minimum: number
  maximum: number
  /** The bounds themselves are not allowed. */
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
  /** Schema of all further items; `undefined` if there may be none. */
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
  /** Named like a record's id. */
  isId: boolean
  /** Named like a confidence: its number says how well the record's words fit. */
  isConfidence: boolean
}

/** `labels` is the first enum among the properties: what a confidence beside it is about. */
export type ObjectNode = { kind: 'object'; properties: Property[]; labels: Labels | undefined }

/** One of several schemas; `discriminator`, if they have one, names each option by its constant property. */
export type UnionNode = { kind: 'union'; options: Node[]; discriminator: Labels | undefined }

/** A `$ref`. Recursion goes through these and through nothing else. `to` is set before compiling ends. */
export type RefNode = { kind: 'ref'; to: Node | undefined }

/** One schema, made ready to be answered. */
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

/** The node itself, or what its references lead to. */
export function target(node: Node): Exclude<Node, RefNode> {
  let found = node
  while (found.kind === 'ref') {
    if (found.to === undefined) throw new Error('a reference was used before the schema was compiled')
    found = found.to
  }
  return found
}

/** The options of a node: a union's, or the node alone. */
export function optionsOf(node: Node): Exclude<Node, RefNode>[] {
  const found = target(node)
  return found.kind === 'union' ? found.options.map(target) : [found]
}

/** The enum a property's value comes from, through `nullable` and references. */
export function labelsOf(node: Node): Labels | undefined {
  return optionsOf(node).find((option) => option.kind === 'labels')?.labels
}

/** The nodes a node is made of. */
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

/** Every node that can be reached, each once, parts before the whole where recursion allows. */
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
