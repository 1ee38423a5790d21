import type { Entry } from '../record/entry.ts'
import { RequestError } from '../record/errors.ts'
import type { Decoded } from '../request/result-format.ts'
import { ElementParser } from './element-parser.ts'
import { Settlement, type Verdict } from './settlement.ts'

/** Number of repeated or unknown elements in a row after which reading on is useless. */
const MAX_UNASKED_ELEMENTS = 5

/** Reads one answer: from pieces of its text to elements, and from elements to settled records. */
export class AnswerReader<R, T> {
  readonly #parser = new ElementParser()
  readonly #settlement: Settlement<R, T>
  readonly #characters = { fulfilled: 0, invalid: 0, repeated: 0, unknown: 0, unfinished: 0 }
  /** Texts of the elements that have closed and settled nothing yet. */
  readonly #closed: string[] = []
  #elements = 0
  /** Number of repeated or unknown elements in a row. */
  #unasked = 0
  #useless: RequestError | undefined

  constructor(pack: readonly Entry<R>[], decode: (text: string) => Decoded<T>) {
    this.#settlement = new Settlement(pack, decode)
  }

  /** Reads the next piece. Returns whether an element closed. Then call `settle()`. */
  write(text: string): boolean {
    this.#characters.unfinished += text.length
    const closed = this.#parser.write(text)
    this.#closed.push(...closed)
    if (this.#parser.isBlank) {
      this.#useless = new RequestError('runaway', 'The answer went on with whitespace only')
    }
    // The parser reads no further. If no record is missing, the stream still waits for the usage.
    if (this.#parser.failed && this.unsettled.size > closed.length) {
      this.#useless = new RequestError('not_json', 'The answer is not JSON')
    }
    return closed.length > 0
  }

  /** Settles the elements that have closed since the last call, each when its verdict is taken. */
  *settle(): Generator<Verdict<R, T>> {
    for (const element of this.#closed.splice(0)) yield this.#settle(element)
  }

  /** The reason why reading on is useless. `undefined` if it is useful. */
  get useless(): RequestError | undefined {
    return this.#useless
  }

  /** The state of the JSON text so far. */
  get json(): { readonly failed: boolean; readonly isWhole: boolean; readonly isEmpty: boolean } {
    return this.#parser
  }

  /** Number of elements that closed. */
  get elements(): number {
    return this.#elements
  }

  /** Number of characters of the answer, by the verdict on their element. */
  get characters(): Readonly<Record<Verdict<R, T>['kind'] | 'unfinished', number>> {
    return this.#characters
  }

  /** The records without a valid element, by position. */
  get unsettled(): ReadonlyMap<number, Entry<R>> {
    return this.#settlement.unsettled
  }

  #settle(element: string): Verdict<R, T> {
    const verdict = this.#settlement.settle(element)
    this.#elements += 1
    this.#characters[verdict.kind] += element.length
    this.#characters.unfinished -= element.length
    const isUnasked = verdict.kind === 'repeated' || verdict.kind === 'unknown'
    this.#unasked = isUnasked ? this.#unasked + 1 : 0
    if (this.#unasked === MAX_UNASKED_ELEMENTS) {
      const message = `The answer had ${this.#unasked} elements in a row that the request did not ask for`
      this.#useless = new RequestError('runaway', message)
    }
    return verdict
  }
}
