import type { Entry } from '../record/entry.ts'
import { RecordError, type ResultIssue } from '../record/errors.ts'
import type { Decoded } from '../request/result-format.ts'

/** The result of one element: it fulfils one record, or no record. */
export type Verdict<R, T> =
  | { kind: 'fulfilled'; entry: Entry<R>; position: number; value: T; result: unknown }
  | { kind: 'invalid' | 'repeated' | 'unknown' }

/**
 * Gives the elements of one answer to the records of the pack: by the id in the element, never by
 * the element's position.
 *
 * The first element that names a record decides. A second element with the same id settles nothing.
 */
export class Settlement<R, T> {
  readonly #size: number
  /** The unsettled records of the pack, by id, from 1. */
  readonly #open: Map<number, Entry<R>>
  /** The ids that elements have named. */
  readonly #named = new Set<number>()
  readonly #decode: (text: string) => Decoded<T>

  constructor(pack: readonly Entry<R>[], decode: (text: string) => Decoded<T>) {
    this.#size = pack.length
    this.#open = new Map(pack.map((entry, i) => [i + 1, entry]))
    this.#decode = decode
  }

  /** Reads an element's text and settles the record that it names. */
  settle(text: string): Verdict<R, T> {
    const element = this.#decode(text)
    const { id } = element
    if (id === undefined || id < 1 || id > this.#size) return { kind: 'unknown' }
    if (this.#named.has(id)) return { kind: 'repeated' }
    this.#named.add(id)
    const entry = this.#open.get(id)
    if (!entry) throw new Error(`Record ${id} of the pack is settled although no element has named it`)
    if ('issues' in element) return invalid(entry, element.issues)
    const issues = entry.issuesOf?.(element.value)
    if (issues) return invalid(entry, issues)
    this.#open.delete(id)
    return { kind: 'fulfilled', entry, position: id, value: element.value, result: element.result }
  }

  /** The records that no element has settled, by position. */
  get unsettled(): ReadonlyMap<number, Entry<R>> {
    return this.#open
  }
}

function invalid(entry: Entry<unknown>, issues: readonly ResultIssue[]): { kind: 'invalid' } {
  const at = issues.map(({ path }) => path.map(String).join('.') || 'its root').join(', ')
  const message = `The result does not match the schema at ${at}`
  entry.invalid = new RecordError('invalid_result', message, { issues })
  return { kind: 'invalid' }
}
