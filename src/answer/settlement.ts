import type { Entry } from '../record/entry.ts'
import { RecordError, type ResultIssue } from '../record/errors.ts'
import { idAt } from '../request/ids.ts'
import type { Decoded } from '../request/result-format.ts'

/** The result of one element: it fulfils one record, or no record. */
export type Verdict<R, T> =
  | { kind: 'fulfilled'; entry: Entry<R>; position: number; value: T; result: unknown }
  | { kind: 'invalid' | 'repeated' | 'unknown' }

/**
 * Gives the elements of one answer to the records of the pack: by the id in the element, never by
 * the element's position.
 *
 * The first element that names a record decides. An id that was not asked, or that comes again,
 * shows that the model does not copy the ids one by one. Then the elements that follow may be
 * results of neighbours, and settle nothing.
 */
export class Settlement<R, T> {
  /** The position of each record, from 1, by its id. */
  readonly #positions: ReadonlyMap<number, number>
  /** The ids of the examples. */
  readonly #exampleIds: ReadonlySet<number>
  /** The unsettled records of the pack, by position. */
  readonly #open: Map<number, Entry<R>>
  /** The positions of the records that elements have named. */
  readonly #named = new Set<number>()
  #hasStrayId = false

  /** @param examples Number of examples in the prompt. Their ids come first. */
  constructor(pack: readonly Entry<R>[], examples: number) {
    this.#positions = new Map(pack.map((_, i) => [idAt(examples + i), i + 1]))
    this.#exampleIds = new Set(Array.from({ length: examples }, (_, i) => idAt(i)))
    this.#open = new Map(pack.map((entry, i) => [i + 1, entry]))
  }

  /** Settles the record that an element names. */
  settle(text: string, element: Decoded<T>): Verdict<R, T> {
    if (this.isSpoiled) return { kind: 'unknown' }
    const position = this.#positions.get(numberOf(element))
    if (position !== undefined && !this.#named.has(position)) return this.give(position, text, element)
    this.#hasStrayId ||= element.id !== undefined
    return { kind: position === undefined ? 'unknown' : 'repeated' }
  }

  /** Settles the record at a position that no element has named. */
  give(position: number, text: string, element: Decoded<T>): Verdict<R, T> {
    this.#named.add(position)
    const entry = this.#open.get(position)
    if (!entry || !('result' in element)) throw new Error(`No record or no result for position ${position}`)
    if ('issues' in element) return invalid(entry, element.issues, text, mismatch(element.issues))
    const issues = entry.issuesOf?.(element.value)
    // The reason of `validate` may quote the record.
    if (issues) return invalid(entry, issues, text, '`validate` refused the result. `issues` has its reason')
    this.#open.delete(position)
    return { kind: 'fulfilled', entry, position, value: element.value, result: element.result }
  }

  /** Whether an element has the id of a record. */
  names(element: Decoded<T>): boolean {
    return this.#positions.has(numberOf(element))
  }

  /** Whether an element has the id of an example, so that its result is the example's. */
  namesExample(element: Decoded<T>): boolean {
    return this.#exampleIds.has(numberOf(element))
  }

  /** Whether an id came that was not asked, or that had come before. */
  get hasStrayId(): boolean {
    return this.#hasStrayId
  }

  /** Whether no further element settles a record. A record alone has no neighbour. */
  get isSpoiled(): boolean {
    return this.#hasStrayId && this.#positions.size > 1
  }

  /** The records that no element has settled, by position. */
  get unsettled(): ReadonlyMap<number, Entry<R>> {
    return this.#open
  }
}

function invalid(
  entry: Entry<unknown>,
  issues: readonly ResultIssue[],
  raw: string,
  message: string,
): { kind: 'invalid' } {
  entry.invalid = new RecordError('invalid_result', message, { issues, raw })
  return { kind: 'invalid' }
}

function mismatch(issues: readonly ResultIssue[]): string {
  const places = issues.map(({ path }) => path.map(String).join('.') || 'its root')
  const [expected] = issues.map((issue) => issue.expected)
  return (
    `The result does not match the schema at ${places[0]}` +
    (expected === undefined ? '' : `: expected ${expected}`) +
    (places.length > 1 ? `; and at ${places.slice(1).join(', ')}` : '')
  )
}

/** The id as a number. Models without a schema write it as a text. `NaN` if there is no number. */
function numberOf({ id }: Decoded<unknown>): number {
  return typeof id === 'number' || (typeof id === 'string' && /^\d+$/.test(id)) ? Number(id) : NaN
}
