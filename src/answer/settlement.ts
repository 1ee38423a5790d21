import type { Entry } from '../record/entry.ts'
import { RecordError } from '../record/errors.ts'
import type { Decoded } from '../request/result-format.ts'

/** What an element settles: one record, or nothing. */
export type Verdict<R, T> =
  | { kind: 'fulfilled'; entry: Entry<R>; position: number; value: T; result: unknown }
  | { kind: 'invalid' | 'repeated' | 'unknown' }

/**
 * Gives the elements of one answer to the records of its pack, by the id they carry and never by their position.
 *
 * The first element that names a record decides; a second one settles nothing, whatever it says.
 */
export class Settlement<R, T> {
  readonly #size: number
  /** The pack's records by id, from 1. Those that were settled have left. */
  readonly #open: Map<number, Entry<R>>
  readonly #named = new Set<number>()
  readonly #decode: (text: string) => Decoded<T>

  constructor(pack: readonly Entry<R>[], decode: (text: string) => Decoded<T>) {
    this.#size = pack.length
    this.#open = new Map(pack.map((entry, i) => [i + 1, entry]))
    this.#decode = decode
  }

  /** Reads an element's text and says what it settles. */
  settle(text: string): Verdict<R, T> {
    const element = this.#decode(text)
    const { id } = element
    if (id === undefined || id < 1 || id > this.#size) return { kind: 'unknown' }
    if (this.#named.has(id)) return { kind: 'repeated' }
    this.#named.add(id)
    const entry = this.#open.get(id)
    if (!entry) throw new Error(`Record ${id} of the pack is settled although no element has named it`)
    if ('issues' in element) {
      const at = element.issues.map(({ path }) => path.map(String).join('.') || 'its root').join(', ')
      entry.invalid = new RecordError('invalid_result', `The result does not match the schema at ${at}`, {
        issues: element.issues,
      })
      return { kind: 'invalid' }
    }
    this.#open.delete(id)
    return { kind: 'fulfilled', entry, position: id, value: element.value, result: element.result }
  }

  /** The records that no element has settled, by position. */
  get unsettled(): ReadonlyMap<number, Entry<R>> {
    return this.#open
  }
}
