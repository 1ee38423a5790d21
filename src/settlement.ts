import { RecordError } from './errors.ts'
import type { Decoded } from './schema.ts'

/** A record on its way through the stream. */
export interface Entry<R> {
  /** Position in the input, from 0. */
  readonly index: number
  readonly record: R
  /** What `serialize` made of it. */
  readonly text: string
  /** Its share of a pack's token budget, tags included. */
  readonly tokens: number
  /** How many requests have carried it. */
  attempts: number
  /** How many more may carry it. */
  attemptsLeft: number
  /** How many records may share the next request with it, itself included. */
  maxCompany: number
  /** The last element that named this record and did not match the schema. */
  invalid: RecordError | undefined
}

/** What an element settles: one record, or nothing. */
export type Verdict<R, T> =
  | { kind: 'fulfilled'; entry: Entry<R>; position: number; value: T }
  | { kind: 'invalid' | 'repeated' | 'unknown' }

/**
 * Gives the elements of one answer to the records of its pack, by the id they carry and never by their position.
 *
 * The first element that names a record decides; a second one settles nothing, whatever it says.
 */
export class Settlement<R, T> {
  readonly size: number
  /** The pack's records by id, from 1. Those that were settled have left. */
  readonly #open: Map<number, Entry<R>>
  readonly #named = new Set<number>()
  readonly #decode: (text: string) => Decoded<T>

  constructor(pack: readonly Entry<R>[], decode: (text: string) => Decoded<T>) {
    this.size = pack.length
    this.#open = new Map(pack.map((entry, i) => [i + 1, entry]))
    this.#decode = decode
  }

  /** Reads an element's text and says what it settles. */
  settle(text: string): Verdict<R, T> {
    const element = this.#decode(text)
    const { id } = element
    if (id === undefined || id < 1 || id > this.size) return { kind: 'unknown' }
    if (this.#named.has(id)) return { kind: 'repeated' }
    this.#named.add(id)
    const entry = this.#open.get(id)
    if (!entry) throw new Error(`Record ${id} of the pack is settled although no element has named it`)
    if ('issues' in element) {
      const at = element.issues.map(({ path }) => path.join('.') || 'its root').join(', ')
      entry.invalid = new RecordError('invalid_result', `The result does not match the schema at ${at}`, {
        issues: element.issues,
      })
      return { kind: 'invalid' }
    }
    this.#open.delete(id)
    return { kind: 'fulfilled', entry, position: id, value: element.value }
  }

  /** The records that no element has settled, by position. */
  get unsettled(): ReadonlyMap<number, Entry<R>> {
    return this.#open
  }
}
