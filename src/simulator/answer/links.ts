import { Labels } from './labels.ts'
import { type ArrayNode, labelsOf, type Node, optionsOf, partsOf, target, type UnionNode } from './nodes.ts'

/** The array with one element per record. */
export type Spread = {
  node: ArrayNode
  /** Whether the items are objects. Then a message without delimited records gives one element. */
  ofObjects: boolean
  /** The nodes on the path from the root to the array, both included. Unions choose these nodes. */
  path: ReadonlySet<Node>
}

/**
 * Connects the related parts of a schema: confidences with their labels, and unions with their
 * discriminators.
 */
export function linkLabels(nodes: readonly Node[]): void {
  for (const node of nodes) {
    if (node.kind === 'union') node.discriminator = discriminatorOf(node)
    if (node.kind !== 'object') continue
    const labelled = node.properties.find((property) => labelsOf(property.node) !== undefined)
    node.labels = labelled === undefined ? undefined : labelsOf(labelled.node)
  }
}

/**
 * Returns the constants of a union of objects that differ in a constant text property. The
 * constants are the labels of the choice.
 */
function discriminatorOf(node: UnionNode): Labels | undefined {
  const constants = node.options.map(target).map((option) => {
    if (option.kind !== 'object') return undefined
    for (const property of option.properties) {
      const value = target(property.node)
      if (value.kind === 'fixed' && typeof value.value === 'string') return value.value
    }
    return undefined
  })
  return constants.includes(undefined) ? undefined : new Labels(constants)
}

/**
 * Returns the array nearest to the root whose items have an id, or else the array nearest to the
 * root. Arrays inside arrays do not count, because they are values of one record.
 */
export function findSpread(root: Node): Spread | undefined {
  const parents = new Map<Node, Node | undefined>([[root, undefined]])
  const arrays: ArrayNode[] = []
  // A `Map` can grow during a loop. The order is that of insertion, so the nearest nodes come
  // first.
  for (const node of parents.keys()) {
    if (node.kind === 'array') arrays.push(node)
    else for (const part of partsOf(node)) if (!parents.has(part)) parents.set(part, node)
  }
  const node = arrays.find(hasIds) ?? arrays[0]
  if (node === undefined) return undefined
  const path = new Set<Node>()
  for (let at: Node | undefined = node; at !== undefined; at = parents.get(at)) path.add(at)
  return { node, ofObjects: itemObjects(node).length > 0, path }
}

function itemObjects(node: ArrayNode) {
  const items = node.items ?? node.prefix[0]
  return items === undefined ? [] : optionsOf(items).filter((option) => option.kind === 'object')
}

function hasIds(node: ArrayNode): boolean {
  return itemObjects(node).some((item) => item.properties.some((property) => property.isId))
}
