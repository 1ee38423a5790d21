import type { Entry } from '../record/entry.ts'
import { RAW_LENGTH, RequestError } from '../record/errors.ts'
import type { ResultFormat } from '../request/result-format.ts'
import { ElementParser, type ElementText } from './element-parser.ts'
import { Settlement, type Verdict } from './settlement.ts'

/** Number of repeated or unknown elements in a row after which reading on is useless. */
const MAX_UNASKED_ELEMENTS = 5
/** Number of characters after an element and outside of elements, after which it is useless too. */
const MAX_PROSE = 2_000

type Format<T> = Pick<ResultFormat<T>, 'flat' | 'names' | 'decode'>

/** Reads one answer: from pieces of its text to elements, and from elements to settled records. */
export class AnswerReader<R, T> {
  readonly #parser: ElementParser
  readonly #settlement: Settlement<R, T>
  readonly #decode: Format<T>['decode']
  readonly #isAlone: boolean
  #hasTextId = false
  #raw = ''
  readonly #characters = { fulfilled: 0, invalid: 0, repeated: 0, unknown: 0, unfinished: 0 }
  /** The elements that have closed and settled nothing yet. */
  readonly #closed: ElementText[] = []
  /** The first element of an answer about one record, if its id was not asked. */
  #held: ElementText | undefined
  #elements = 0
  /** Number of repeated or unknown elements in a row. */
  #unasked = 0
  /** Number of characters since the last element. */
  #prose = 0
  #useless: RequestError | undefined

  /** @param examples Number of examples in the prompt. Their ids come first. */
  constructor(pack: readonly Entry<R>[], examples: number, { flat, names, decode }: Format<T>) {
    this.#parser = new ElementParser(flat ? names : ['value'])
    this.#settlement = new Settlement(pack, examples)
    this.#decode = decode
    this.#isAlone = pack.length === 1
  }

  /** Reads the next piece. Returns whether an element closed. Then call `settle()`. */
  write(text: string): boolean {
    if (this.#raw.length < RAW_LENGTH) this.#raw += text.slice(0, RAW_LENGTH - this.#raw.length)
    this.#characters.unfinished += text.length
    const closed = this.#parser.write(text)
    if (closed.length > 0) this.#closed.push(...closed)
    if (this.#parser.isBlank) {
      this.#useless ??= new RequestError('runaway', 'The answer went on with whitespace only')
    }
    const isProse = closed.length === 0 && this.#elements > 0 && !this.#parser.isInElement
    this.#prose = isProse ? this.#prose + text.length : 0
    // If no record is missing, the stream still waits for the usage.
    if (this.#prose > MAX_PROSE && this.unsettled.size > 0) {
      this.#useless ??= new RequestError('runaway', 'The answer went on with text around its elements')
    }
    return closed.length > 0
  }

  /** Settles the elements that have closed since the last call, each when its verdict is taken. */
  *settle(): Generator<Verdict<R, T>> {
    for (const closed of this.#closed.splice(0)) {
      const element = this.#read(closed)
      const isFirst = this.#elements === 0 && this.#held === undefined
      if (this.#isAlone && isFirst && !this.#settlement.names(element)) {
        this.#held = closed
        continue
      }
      yield* this.#release()
      yield this.#count(closed.text, this.#settlement.settle(closed.text, element))
    }
  }

  /**
   * Ends the answer. A record alone has no neighbour, so the only element of a complete answer is
   * its result, whatever the id. But an element with the id of an example repeats that example.
   */
  end(isComplete: boolean): Generator<Verdict<R, T>> {
    return this.#release(isComplete)
  }

  /** The reason why reading on is useless. `undefined` if it is useful. */
  get useless(): RequestError | undefined {
    return this.#useless
  }

  /** Whether an id came that the request did not ask for. */
  get hasStrayId(): boolean {
    return this.#settlement.hasStrayId
  }

  /** Whether elements came in another form than the request asked for. */
  get isWrapped(): boolean {
    return this.#parser.isWrapped || this.#hasTextId
  }

  /** The beginning of the answer. */
  get raw(): string {
    return this.#raw
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

  /** Settles the held element. */
  *#release(isOnly = false): Generator<Verdict<R, T>> {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    const { text } = held
    const element = this.#read(held)
    const verdict = this.#settlement.settle(text, element)
    const isResult = isOnly && 'result' in element && !this.#settlement.namesExample(element)
    yield this.#count(text, isResult ? this.#settlement.give(1, text, element) : verdict)
  }

  /** An element with two ids names no record. */
  #read({ text, ids }: ElementText): ReturnType<Format<T>['decode']> {
    const element = ids > 1 ? { id: undefined } : this.#decode(text)
    this.#hasTextId ||= typeof element.id === 'string' && this.#settlement.names(element)
    return element
  }

  #count(text: string, verdict: Verdict<R, T>): Verdict<R, T> {
    this.#elements += 1
    this.#characters[verdict.kind] += text.length
    this.#characters.unfinished -= text.length
    const isUnasked = verdict.kind === 'repeated' || verdict.kind === 'unknown'
    this.#unasked = isUnasked ? this.#unasked + 1 : 0
    if (this.#settlement.isSpoiled && this.unsettled.size > 0) {
      this.#useless ??= new RequestError('stray_id', 'The answer had an id that the request did not ask for')
    }
    if (this.#unasked === MAX_UNASKED_ELEMENTS) {
      const message = `The answer had ${this.#unasked} elements in a row that the request did not ask for`
      this.#useless ??= new RequestError('runaway', message)
    }
    return verdict
  }
}
