import type { CompiledSchema } from './compile.ts'
import { fraction, mix } from '../hash.ts'
import { makeSubject, type Subject } from './labels.ts'
import {
  type ArrayNode,
  type Node,
  type ObjectNode,
  optionsOf,
  type Property,
  target,
  type UnionNode,
} from './nodes.ts'
import { isObject } from '../json-text.ts'
import { confidenceAt, numberAt } from './numbers.ts'
import { idFor } from './ids.ts'
import { fit, type Wanted, wantedParts, wantedValue } from '../quality/values.ts'
import { SchemaError } from '../schema-source.ts'
import { stringFor } from './strings.ts'

/**
 * The input of one answer. `whole` is the message as one subject. Arrays with one element per
 * record use `records`.
 */
type Scope = {
  schema: CompiledSchema
  whole: Subject
  records: readonly Subject[]
  /** Whether the message separates its records. */
  delimited: boolean
}

/** The place of a value in the answer. */
type Place = {
  subject: Subject
  /** Hash of the path to the value. It makes two numbers about one record different. */
  salt: number
  /** The words of the property's name. */
  keys: readonly string[]
  /**
   * Whether the recursion is deep enough. Then the value has only required parts, and takes the
   * shallowest choice.
   */
  minimal: boolean
  /** What the value shall be, by the option `quality`. */
  wanted: Wanted | undefined
}

/** Number of times that a reference may be inside itself before values become minimal. */
const deepestRecursion = 2

/**
 * Largest number of values in one record's answer. Without a limit, a schema that doubles at every
 * level would fill the memory.
 */
const mostValues = 20_000

/**
 * Makes a value of the schema from the message. Throws a `SchemaError` if the value would have too
 * many parts.
 */
export function answerValue(scope: Scope): unknown {
  const entered = new Map<Node, number>()
  let left = mostValues
  const { spread } = scope.schema
  const isPerRecord = spread !== undefined && (scope.delimited || spread.ofObjects)
  const [only, ...others] = scope.records
  const wanted = isPerRecord || others.length > 0 ? undefined : only && wantedOf(only)
  return valueOf(scope.schema.node, { subject: scope.whole, salt: 0, keys: [], minimal: false, wanted })

  function valueOf(node: Node, place: Place): unknown {
    const { wanted } = place
    // The parts of an object are wanted one by one, by their names.
    if (wanted === undefined || isObject(wanted.truth)) return ownValue(node, place)
    const value = wantedValue(node, wanted, changed(place))
    return value === undefined ? ownValue(node, place) : value
  }

  function ownValue(node: Node, place: Place): unknown {
    if (left-- <= 0)
      throw new SchemaError(`the schema asks for more than ${mostValues} values about one record`)
    const { subject, salt } = place
    switch (node.kind) {
      case 'fixed':
        return node.value
      case 'labels':
        return node.labels.choose(subject).value
      case 'boolean':
        return place.keys.some((key) => subject.keys.includes(key))
      case 'number':
        return numberAt(node, fraction(mix(subject.hash, salt)))
      case 'string':
        return stringFor(node, subject, salt)
      case 'array':
        return arrayOf(node, place)
      case 'object':
        return objectOf(node, place)
      case 'union':
        return valueOf(chooseOption(node, place), place)
      case 'ref': {
        const to = target(node)
        const inside = entered.get(to) ?? 0
        entered.set(to, inside + 1)
        const value = valueOf(to, inside < deepestRecursion ? place : { ...place, minimal: true })
        entered.set(to, inside)
        return value
      }
    }
  }

  function changed(place: Place) {
    const { id, position, text } = place.subject
    return (node: Node, change: number) =>
      ownValue(node, { ...place, wanted: undefined, subject: makeSubject(id, position, `${change} ${text}`) })
  }

  function arrayOf(node: ArrayNode, place: Place): unknown[] {
    const isSpread = node === spread?.node && place.subject === scope.whole && !place.minimal
    if (isSpread && isPerRecord) return recordsOf(node, place)
    const { minItems, maxItems } = node
    const items = node.items === undefined || node.prefix.length > 0 ? undefined : target(node.items)
    if (items?.kind === 'labels') {
      const labels = items.labels.chooseSeveral(place.subject, Math.max(minItems, isSpread ? 1 : 0), maxItems)
      while (labels.length < minItems) labels.push(labels[0])
      return labels
    }
    const wanted = node.prefix.length || 1 + (mix(place.subject.hash, place.salt) % 2)
    return elements(node, place, place.minimal ? minItems : wanted, () => place.subject)
  }

  function recordsOf(node: ArrayNode, place: Place): unknown[] {
    return elements(node, place, scope.records.length, (index) => {
      left = mostValues
      return scope.records[index] ?? scope.records.at(-1) ?? place.subject
    })
  }

  function elements(
    node: ArrayNode,
    place: Place,
    wanted: number,
    about: (index: number) => Subject,
  ): unknown[] {
    const { prefix, items, minItems, maxItems } = node
    const count = Math.min(Math.max(wanted, minItems), maxItems)
    const made: unknown[] = []
    for (let index = 0; index < count; index++) {
      const item = prefix[index] ?? items
      if (item === undefined) break
      const subject = about(index)
      // Elements about different records differ by the record. Elements about one record each need
      // their own salt.
      const isOther = subject !== place.subject
      const salt = mix(place.salt, isOther ? 1 : index + 1)
      made.push(valueOf(item, { ...place, subject, salt, wanted: isOther ? wantedOf(subject) : undefined }))
    }
    return made
  }

  function objectOf(node: ObjectNode, place: Place): unknown {
    const keyed =
      place.subject === scope.whole && scope.delimited ? recordsByName(node, scope.records) : undefined
    const wantedFor = wantedParts(node, place.wanted)
    const holds = (property: Property) => {
      const wanted = wantedFor(property)
      return !property.isConfidence && wanted !== undefined && fit(property.node, wanted.truth) !== undefined
    }
    const confidence = node.properties.some(holds) ? place.wanted?.verdict.confidence : undefined
    const entries: [string, unknown][] = []
    for (const property of node.properties) {
      if (!property.required && (place.minimal || scope.schema.heights.get(property.node) === Infinity))
        continue
      const record = keyed?.get(property.name)
      const subject = record ?? place.subject
      const wanted = record === undefined ? wantedFor(property) : wantedOf(record)
      const inner = { subject, wanted, salt: mix(place.salt, property.hash), keys: property.keys }
      entries.push([property.name, propertyValue(node, property, { ...place, ...inner }, confidence)])
    }
    // `Object.fromEntries` treats the name `__proto__` like any other name.
    return Object.fromEntries(entries)
  }

  function propertyValue(
    node: ObjectNode,
    property: Property,
    place: Place,
    confidence: number | undefined,
  ): unknown {
    const { subject, salt } = place
    if (property.isId && property === node.properties.find((each) => each.isId)) {
      const id = idFor(property.node, subject)
      if (id !== undefined) return id
    }
    if (property.isConfidence) {
      const number = optionsOf(property.node).find((option) => option.kind === 'number')
      const share = confidence ?? node.labels?.choose(subject).share ?? fraction(mix(subject.hash, salt))
      if (number !== undefined) return confidenceAt(number, share)
    }
    return valueOf(property.node, place)
  }

  function chooseOption(node: UnionNode, place: Place): Node {
    const { heights, spread } = scope.schema
    const heightOf = (option: Node) => heights.get(option) ?? Infinity
    const options = node.options.filter((option) => heightOf(option) < Infinity)
    const shallowest = options.reduce((best, option) => (heightOf(option) < heightOf(best) ? option : best))
    if (place.minimal) return shallowest
    const { wanted } = place
    const allowing = wanted && options.find((option) => fit(option, wanted.truth) !== undefined)
    if (allowing !== undefined) return allowing
    if (place.subject === scope.whole) {
      const onTheWay = options.find((option) => spread?.path.has(option))
      if (onTheWay !== undefined) return onTheWay
    }
    if (node.discriminator !== undefined && options.length === node.options.length) {
      const { value } = node.discriminator.choose(place.subject)
      return options[node.discriminator.values.indexOf(value)] ?? shallowest
    }
    return chooseFreely(options, place)
  }
}

function wantedOf({ verdict }: Subject): Wanted | undefined {
  return verdict && { verdict, truth: verdict.truth, instead: verdict.instead }
}

/**
 * Chooses null for a label if no word matches, and for a quarter of other values. Otherwise chooses
 * any option by hash.
 */
function chooseFreely(options: readonly Node[], place: Place): Node {
  const isNull = (option: Node) => option.kind === 'fixed' && option.value === null
  const nothing = options.find(isNull)
  const something = options.filter((option) => !isNull(option))
  const hash = mix(place.subject.hash, place.salt)
  const chosen = something[(hash >>> 8) % (something.length || 1)]
  if (chosen === undefined || nothing === undefined)
    return chosen ?? nothing ?? { kind: 'fixed', value: null }
  const inner = target(chosen)
  const isEmpty = inner.kind === 'labels' ? inner.labels.choose(place.subject).share === 0 : hash % 4 === 0
  return isEmpty ? nothing : chosen
}

/**
 * Returns the records by property name if each property is named after a record (`7`, `r7`,
 * `record_7`).
 */
function recordsByName(node: ObjectNode, records: readonly Subject[]): Map<string, Subject> | undefined {
  const byId = new Map(records.map((record) => [record.id, record]))
  const byName = new Map<string, Subject>()
  for (const { name } of node.properties) {
    const record = byId.get(name) ?? byId.get(/^[a-z]+[_-]?(\d+)$/iu.exec(name)?.[1] ?? name)
    if (record === undefined) return undefined
    byName.set(name, record)
  }
  return byName
}
