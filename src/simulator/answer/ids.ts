import type { Subject } from './labels.ts'
import { type Node, type NumberNode, optionsOf, type StringNode } from './nodes.ts'

/**
 * Longest id, in characters, that is tried against a pattern. A pattern could take forever to
 * refuse a longer id.
 */
const longestTried = 32

/**
 * Returns a record's id in the type that the schema requires: the text, or the number that the text
 * spells. If the schema requires a number and the text is not a number, returns the record's
 * position. `undefined` if the schema allows none of these values.
 */
export function idFor(node: Node, subject: Subject): unknown {
  const { id, position } = subject
  const isNumber = /^-?\d+(?:\.\d+)?$/u.test(id)
  for (const option of optionsOf(node)) {
    if (option.kind === 'fixed' && String(option.value) === id) return option.value
    if (option.kind === 'labels') {
      const known = option.labels.values.find((value) => String(value) === id)
      if (known !== undefined) return known
    }
    if (option.kind === 'number') {
      const number = isNumber ? Number(id) : position
      if (isAllowedNumber(option, number)) return number
    }
    if (option.kind === 'string' && isAllowedText(option, id)) return id
  }
  return undefined
}

export function isAllowedNumber(node: NumberNode, value: number): boolean {
  if (node.integer && !Number.isSafeInteger(value)) return false
  if (node.above ? value <= node.minimum : value < node.minimum) return false
  if (node.below ? value >= node.maximum : value > node.maximum) return false
  return node.multipleOf === undefined || Number.isInteger(value / node.multipleOf)
}

function isAllowedText(node: StringNode, id: string): boolean {
  if (node.format !== undefined && node.pattern === undefined) return false
  if (id.length < node.minLength || id.length > node.maxLength) return false
  if (node.pattern === undefined) return true
  try {
    return id.length <= longestTried && new RegExp(node.pattern, 'u').test(id)
  } catch {
    return false
  }
}
