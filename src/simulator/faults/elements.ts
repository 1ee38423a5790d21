import { isObject, parseJson } from '../json-text.ts'
import { isIdName } from '../answer/records.ts'
import type { Fault } from './plan.ts'
import { between, type Random, someOf } from './random.ts'

export type Element = { idName: string; value: Record<string, unknown> }

/** An answer, split into its elements and the JSON around them. */
export type Shape = { head: string; elements: readonly Element[]; tail: string }

/**
 * Finds the elements of an answer: the first property whose value is an array of objects with an
 * id.
 */
export function shapeOf(text: string): Shape | undefined {
  const answer = parseJson(text)
  if (!isObject(answer)) return undefined
  const entries = Object.entries(answer)
  const written = entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  for (const [at, [name, value]] of entries.entries()) {
    if (!Array.isArray(value) || value.length === 0) continue
    const elements = value.map(asElement).filter((element) => element !== undefined)
    if (elements.length < value.length) continue
    const head = `{${[...written.slice(0, at), `${JSON.stringify(name)}:[`].join(',')}`
    const tail = `${[']', ...written.slice(at + 1)].join(',')}}`
    return { head, elements, tail }
  }
  return undefined
}

/** Returns the answer's JSON. */
export function textOf({ head, elements, tail }: Shape): string {
  return head + elements.map(({ value }) => JSON.stringify(value)).join(',') + tail
}

function asElement(value: unknown): Element | undefined {
  if (!isObject(value)) return undefined
  const idName = Object.keys(value).find(isIdName)
  return idName === undefined ? undefined : { idName, value }
}

function idOf({ idName, value }: Element): string {
  return String(value[idName])
}

/**
 * Returns the elements with a fault. Returns the same array if the fault is of another kind or
 * changes nothing.
 */
export function damageElements(
  elements: readonly Element[],
  fault: Fault,
  random: Random,
): readonly Element[] {
  const hit = fault.ids === undefined ? someOf(random, elements.length) : positionsOf(elements, fault.ids)
  const change = (changed: (element: Element) => Element) =>
    elements.map((element, at) => (hit.has(at) ? changed(element) : element))
  switch (fault.kind) {
    case 'missing':
      return elements.filter((_, at) => !hit.has(at))
    case 'repeated':
      return repeat(elements, hit, random)
    case 'unknown': {
      const strange = strangeIds(elements)
      return change(({ idName, value }) => {
        return { idName, value: { ...value, [idName]: strange[between(random, 0, strange.length - 1)] } }
      })
    }
    case 'shuffled':
      return shuffle(elements, random)
    case 'invalid':
      return change((element) => spoil(element, random))
    case 'counted_from_zero':
      return withIds(elements, (at) => at)
    case 'counted_from_one':
      return withIds(elements, (at) => at + 1)
    case 'counted_on':
      return withIds(elements, (at) => idAt(elements, 0) + at)
    case 'left_out': {
      const left = between(random, 0, elements.length - 1)
      return withIds(
        elements.filter((_, at) => at !== left),
        (at) => at + 1,
      )
    }
    case 'shifted': {
      const twice = between(random, 0, elements.length - 2)
      return withIds(elements, (at) => idAt(elements, at > twice ? at - 1 : at))
    }
    case 'text_ids':
      return withIds(elements, (at) => String(idAt(elements, at)))
    default:
      return elements
  }
}

function withIds(elements: readonly Element[], idFor: (at: number) => unknown): Element[] {
  return elements.map(({ idName, value }, at) => ({ idName, value: { ...value, [idName]: idFor(at) } }))
}

function idAt(elements: readonly Element[], at: number): number {
  const element = elements[at]
  return element === undefined ? 0 : Number(idOf(element))
}

export function positionsOf(elements: readonly Element[], ids: ReadonlySet<string>): Set<number> {
  return new Set(elements.flatMap((element, at) => (ids.has(idOf(element)) ? [at] : [])))
}

/** Each copy comes at a random place after its element. */
function repeat(elements: readonly Element[], hit: ReadonlySet<number>, random: Random): Element[] {
  const placed = elements.map((element, at) => ({ element, place: at }))
  for (const at of hit) {
    const element = elements[at]
    if (element !== undefined) placed.push({ element, place: between(random, at, elements.length - 1) + 0.5 })
  }
  return placed.sort((a, b) => a.place - b.place).map(({ element }) => element)
}

function strangeIds(elements: readonly Element[]): unknown[] {
  const known = new Set(elements.map(idOf))
  return [0, elements.length + 1, 99_999, 'x'].filter((id) => !known.has(String(id)))
}

function shuffle(elements: readonly Element[], random: Random): Element[] {
  const order = elements
    .map((element) => ({ element, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ element }) => element)
  return order.every((element, at) => element === elements[at]) ? order.reverse() : order
}

/** Returns an element in which one value has a wrong type. */
function spoil({ idName, value }: Element, random: Random): Element {
  const names = Object.keys(value).filter((name) => name !== idName)
  const name = names[between(random, 0, names.length - 1)]
  if (name === undefined) return { idName, value }
  // A schema that allows a second type usually allows null or another scalar, so the wrong value is
  // neither of them.
  const wrong =
    typeof value[name] === 'object' && value[name] !== null ? 'not an object' : { not: 'a scalar' }
  return { idName, value: { ...value, [name]: wrong } }
}
