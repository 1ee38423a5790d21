import { isAllowedNumber } from '../answer/ids.ts'
import { labelsOf, type Node, type ObjectNode, optionsOf, type Property } from '../answer/nodes.ts'
import { isObject } from '../json-text.ts'
import { isSame } from './same.ts'
import type { Verdict } from './model.ts'

/** The part of a verdict that belongs to one value of the answer. */
export type Wanted = { verdict: Verdict; truth: unknown; instead: unknown }

/**
 * Returns what the simulator itself would write for a node if the record's text were different.
 * Each `change` is another text.
 */
type Another = (node: Node, change: number) => unknown

/** Number of other texts that are tried for a wrong value. */
const mostChanges = 8

/**
 * Returns the wanted value, right or wrong, in the form that the schema has for it. `undefined` if
 * the schema does not allow the right value.
 */
export function wantedValue(node: Node, wanted: Wanted, another: Another): unknown {
  const right = fit(node, wanted.truth)
  if (right === undefined) return undefined
  wanted.verdict.isPlaced = true
  return wanted.verdict.isRight ? right : wrongValue(node, right, wanted, another)
}

/**
 * Returns what each property of an object has to be. If the object has no place for the truth, all
 * of its properties are asked for the whole truth.
 */
export function wantedParts(
  { properties }: ObjectNode,
  wanted: Wanted | undefined,
): (property: Property) => Wanted | undefined {
  if (wanted === undefined) return () => undefined
  const { verdict, truth, instead } = wanted
  if (isObject(truth)) {
    const has = ({ name, node }: Property) =>
      Object.hasOwn(truth, name) && fit(node, truth[name]) !== undefined
    if (!properties.some(has)) return () => wanted
    return (property) => {
      if (!has(property)) return undefined
      const part = isObject(instead) ? instead[property.name] : instead
      return { verdict, truth: truth[property.name], instead: part }
    }
  }
  const fitting = properties.filter(
    ({ isId, isConfidence, node }) => !isId && !isConfidence && fit(node, truth) !== undefined,
  )
  const place = fitting.find(({ node }) => labelsOf(node) !== undefined) ?? fitting[0]
  return (property) => (place === undefined || property === place ? wanted : undefined)
}

/**
 * Returns the value in the form that the schema has for it. Numbers and booleans may be texts, as
 * in a CSV file. `undefined` if the schema does not allow the value.
 */
export function fit(node: Node, value: unknown): unknown {
  for (const option of optionsOf(node)) {
    const fitted = fitOne(option, value)
    if (fitted !== undefined) return fitted
  }
  return undefined
}

function fitOne(node: Node, value: unknown): unknown {
  const isEqual = (allowed: unknown) =>
    isSame(allowed, value) || (typeof value === 'string' && JSON.stringify(allowed) === value)
  switch (node.kind) {
    case 'fixed':
      return isEqual(node.value) ? node.value : undefined
    case 'labels':
      return node.labels.values.find(isEqual)
    case 'boolean':
      return [true, false].find(isEqual)
    case 'number': {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
      return typeof number === 'number' && isAllowedNumber(node, number) ? number : undefined
    }
    case 'string':
      return typeof value === 'string' ? value : undefined
    case 'array': {
      if (!Array.isArray(value)) return undefined
      const items = value.map((item: unknown, at) => {
        const itemNode = node.prefix[at] ?? node.items
        return itemNode && fit(itemNode, item)
      })
      return items.includes(undefined) ? undefined : items
    }
    case 'object': {
      const allows = ([name, part]: [string, unknown]) =>
        node.properties.some((property) => property.name === name && fit(property.node, part) !== undefined)
      return isObject(value) && Object.entries(value).every(allows) ? value : undefined
    }
    default:
      return fit(node, value)
  }
}

/** Returns the right value itself if the schema allows no other value. */
function wrongValue(node: Node, right: unknown, wanted: Wanted, another: Another): unknown {
  const instead = fit(node, wanted.instead)
  if (instead !== undefined && !isSame(instead, right)) return instead
  const option = optionsOf(node).find((option) => fitOne(option, right) !== undefined)
  if (option?.kind === 'boolean') return right !== true
  if (option?.kind === 'labels') {
    const others = option.labels.values.filter((value) => !isSame(value, right))
    return others[wanted.verdict.hash % others.length]
  }
  if (option?.kind === 'array' && Array.isArray(right) && right.length > 0) {
    const [first, ...rest] = right as unknown[]
    const item = option.prefix[0] ?? option.items
    return [item && wrongValue(item, first, { ...wanted, instead: undefined }, another), ...rest]
  }
  const choices = [...Array<Node>(mostChanges).fill(node), ...optionsOf(node)]
  for (const [at, choice] of choices.entries()) {
    const value = another(choice, at + 1)
    if (!isSame(value, right)) return value
  }
  return right
}
