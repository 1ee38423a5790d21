import type { Subject } from './labels.ts'
import { type Node, type NumberNode, optionsOf, type StringNode } from './nodes.ts'

/** Ids longer than this are not tried against a pattern, which could take for ever to say no. */
const longestTried = 32

/**
 * A record's id in the type the schema wants: the text as it stands, or the number it spells; the record's
 * position where a number is wanted of an id that spells none. `undefined` if the schema allows none of them.
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

function isAllowedNumber(node: NumberNode, value: number): boolean {
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
