import type { Node } from './nodes.ts'

/**
 * Computes the depth of the smallest possible value of each node. The answer to a recursive schema
 * ends because it chooses small heights. A node with an infinite height has no finite value.
 */
export function measureHeights(nodes: readonly Node[]): Map<Node, number> {
  const heights = new Map<Node, number>()
  const heightOf = (node: Node | undefined) => (node === undefined ? 0 : (heights.get(node) ?? Infinity))
  const tallest = (parts: readonly Node[]) => parts.reduce((most, part) => Math.max(most, heightOf(part)), 0)

  const measure = (node: Node): number => {
    switch (node.kind) {
      case 'ref':
        return heightOf(node.to)
      case 'union':
        return node.options.reduce((least, option) => Math.min(least, heightOf(option)), Infinity)
      case 'object': {
        const required = node.properties.filter((property) => property.required)
        return 1 + tallest(required.map((property) => property.node))
      }
      case 'array': {
        if (node.minItems <= 0) return 0
        const prefix = node.prefix.slice(0, node.minItems)
        return 1 + Math.max(tallest(prefix), node.minItems > prefix.length ? heightOf(node.items) : 0)
      }
      default:
        return 0
    }
  }

  // Heights only decrease, and each round makes at least one height final.
  for (let changed = true; changed;) {
    changed = false
    for (const node of nodes) {
      const height = measure(node)
      if (height === heightOf(node)) continue
      heights.set(node, height)
      changed = true
    }
  }
  for (const node of nodes) if (!heights.has(node)) heights.set(node, Infinity)
  return heights
}
