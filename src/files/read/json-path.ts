import { OPENING_BRACKET } from './chars.ts'
import { StringDecoder } from 'node:string_decoder'
import { jsonParser, type Token } from 'stream-json/core/parser.js'

/** Names that an error lists, at most. */
const MOST_NAMES = 20
/** A hint for a file that is no array. */
export const IS_IT_JSONL = 'If each line is a JSON value, the format is jsonl'

/** Says why a document has no array at a path. */
export class PathError extends Error {}

/**
 * Finds the array of a JSON document whose path is known, in constant memory: `data.items` is the
 * array under the key `items` of the object under the key `data`. A number is a position in an
 * array. Without a path it finds nothing, and its error names the arrays that are there.
 */
export class JsonPath {
  readonly #select: string | undefined
  readonly #parse = jsonParser({
    ...{ packStrings: false, packNumbers: false, streamKeys: false },
    // An error would drop the tokens before it.
    jsonStreaming: true,
  })
  readonly #decoder = new StringDecoder()
  /** The key of the next value, in each open array or object. */
  readonly #keys: (string | number)[] = []
  /** Number of open arrays and objects on the path, and the rest of the path in the innermost. */
  #level = 0
  #rest = ''
  /** Keys of the innermost. */
  #names: string[] = []
  /** Paths of arrays that are not in another array. */
  readonly #arrays: string[] = []
  #openArrays = 0
  #isFound = false
  #bytes = 0

  constructor(select: string | undefined) {
    this.#select = select
  }

  /**
   * Reads on to the first byte behind the opening bracket of the array. `undefined`: it comes in
   * later bytes.
   *
   * @throws {PathError} If the path leads to no array.
   */
  find(bytes: Buffer, mostBytes: number): number | undefined {
    for (let at = 0; at < bytes.length;) {
      const end = this.#endOfPiece(bytes, at)
      this.read(bytes.subarray(at, end))
      if (this.#isFound) return end
      this.#bytes += end - at
      if (this.#select === undefined && this.#bytes > mostBytes) throw this.#absent()
      at = end
    }
    return undefined
  }

  /** The parser does not tell positions: each bracket ends a piece. */
  #endOfPiece(bytes: Buffer, at: number): number {
    // Only for an error, which is then the same however the bytes are cut.
    if (this.#select === undefined) return at + 1
    const bracket = bytes.indexOf(OPENING_BRACKET, at)
    return bracket < 0 ? bytes.length : bracket + 1
  }

  /** Whether the document has ended. */
  get isOver(): boolean {
    return this.#isFound && this.#keys.length === 0
  }

  /** Reads what stands around the array. */
  read(bytes: Buffer | string): void {
    const text = typeof bytes === 'string' ? bytes : this.#decoder.write(bytes)
    const tokens = this.#parse(text) as { readonly values?: Token[] }
    for (const token of tokens.values ?? []) this.#see(token)
  }

  #see(token: Token): void {
    switch (token.name) {
      case 'keyValue':
        this.#keys[this.#keys.length - 1] = token.value
        if (this.#keys.length === this.#level && this.#names.length < MOST_NAMES)
          this.#names.push(token.value)
        break
      case 'startObject':
      case 'startArray':
        this.#begin(token.name === 'startArray')
        break
      case 'endArray':
      case 'endObject':
        if (token.name === 'endArray') this.#openArrays -= 1
        if (this.#keys.length === this.#level && !this.#isFound) throw this.#absent()
        this.#keys.pop()
        break
      case 'startString':
      case 'startNumber':
      case 'nullValue':
      case 'trueValue':
      case 'falseValue':
        if (this.#step() !== undefined)
          throw new PathError(`${this.#expected()}, got no array at ${quoted([this.#place()])}`)
    }
  }

  #begin(isArray: boolean): void {
    const rest = this.#step()
    const place = this.#place()
    this.#keys.push(isArray ? -1 : '')
    if (isArray) {
      if (this.#openArrays === 0 && this.#arrays.length < MOST_NAMES) this.#arrays.push(place)
      this.#openArrays += 1
    }
    if (rest === undefined || this.#isFound) return
    this.#isFound = isArray && rest === ''
    this.#level = this.#keys.length
    this.#rest = rest
    this.#names = []
  }

  /** The rest of the path behind the value that begins, if the path leads to it or through it. */
  #step(): string | undefined {
    const depth = this.#keys.length
    if (this.isOver) throw new Error('Expected the end of the document')
    const before = this.#keys[depth - 1]
    const key = typeof before === 'number' ? before + 1 : before
    if (key !== undefined) this.#keys[depth - 1] = key
    if (depth !== this.#level || this.#isFound) return undefined
    if (depth === 0) return this.#select ?? ''
    if (this.#rest === '' || key === undefined) return undefined
    if (this.#rest === String(key)) return ''
    return this.#rest.startsWith(`${key}.`) ? this.#rest.slice(String(key).length + 1) : undefined
  }

  /** The path of the value that begins. */
  #place(): string {
    return this.#keys.join('.')
  }

  #expected(): string {
    return `expected an array at ${quoted([this.#select ?? ''])} (select)`
  }

  #absent(): PathError {
    if (this.#select === undefined) {
      const got = 'expected a JSON array, got an object'
      if (this.#arrays.length === 0) return new PathError(`${got} without an array. ${IS_IT_JSONL}`)
      const remedy = `Name one as \`select\`, such as --select ${this.#arrays[0] ?? ''}`
      return new PathError(`${got}. It has arrays at ${quoted(this.#arrays)}. ${remedy}`)
    }
    const place = this.#keys.slice(0, this.#level - 1).join('.')
    const where = place === '' ? 'the top level' : quoted([place])
    const got = this.#names.length > 0 ? `has the keys ${quoted(this.#names)}` : 'has no keys'
    const isArray = typeof this.#keys[this.#level - 1] === 'number'
    return new PathError(`${this.#expected()}, but ${where} ${isArray ? 'is an array' : got}`)
  }
}

const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ')
