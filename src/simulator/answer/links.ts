import { Labels } from './labels.ts'
import { type ArrayNode, labelsOf, type Node, optionsOf, partsOf, target, type UnionNode } from './nodes.ts'

/** The array that takes one element per record. */
export type Spread = {
  node: ArrayNode
  /** Its items are objects, so that even a message without delimited records gets one. */
  ofObjects: boolean
  /** The nodes on the way to it from the root, itself included: unions choose these. */
  path: ReadonlySet<Node>
}

/** Connects what belongs together across a schema: confidences to their labels, unions to their discriminators. */
export function linkLabels(nodes: readonly Node[]): void {
  for (const node of nodes) {
    if (node.kind === 'union') node.discriminator = discriminatorOf(node)
    if (node.kind !== 'object') continue
    const labelled = node.properties.find((property) => labelsOf(property.node) !== undefined)
    node.labels = labelled === undefined ? undefined : labelsOf(labelled.node)
  }
}

/** For unions of objects that a constant text property tells apart: the constants, as labels to choose by. */
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
 * The array nearest the root whose items have an id, else the array nearest the root. Arrays inside arrays do not
 * count: they are values about one record.
 */
export function findSpread(root: Node): Spread | undefined {
  const parents = new Map<Node, Node | undefined>([[root, undefined]])
  const arrays: ArrayNode[] = []
  // A Map can be walked while it grows, in order of insertion: nearest first.
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
