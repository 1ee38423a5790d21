import { Tokenizer, TokenType } from '@streamparser/json'

/**
 * Finds the elements of `{"results": [ … ]}` in an answer that is still being written.
 *
 * The tokenizer only finds where each element begins and ends. The parser returns the text of the
 * element, and `JSON.parse` reads that text later. So the content of an element (`__proto__` keys,
 * escapes, large arrays) does not matter here, and a malformed element spoils no other element.
 * Reading ends only at a character that JSON does not allow. The parser holds one element at a time
 * and reads every character once.
 */
export class ElementParser {
  readonly #tokenizer = new Tokenizer()
  /** Number of open brackets. */
  #depth = 0
  /** The last value at depth 1. It is a key if a colon follows it. */
  #string: unknown
  /** The last key at depth 1. */
  #key: unknown
  #inResults = false
  /** Byte of the answer at which the open element begins. */
  #start: number | undefined
  /** The open element's text before the current chunk. */
  #head = ''
  /** The current chunk. */
  #chunk: Buffer = Buffer.alloc(0)
  /** Number of bytes before the current chunk. */
  #offset = 0
  /** First half of a surrogate pair. The next delta has the second half. */
  #carry = ''
  #closed: string[] = []
  #failed = false
  #isEmpty = true
  readonly #blanks = new Blanks()

  constructor() {
    this.#tokenizer.onToken = ({ token, value, offset }) => {
      this.#onToken(token, value, offset)
    }
    // The default error handler makes `write()` throw. Elements that closed before are kept.
  }

  /** Whether the text so far is not JSON. The parser ignores the text that follows. */
  get failed(): boolean {
    return this.#failed
  }

  /** Whether no bracket is open. A text that ends with an open bracket was cut. */
  get isWhole(): boolean {
    return this.#depth === 0 && !this.#failed
  }

  /** Whether the text so far is only whitespace. */
  get isEmpty(): boolean {
    return this.#isEmpty && !this.#failed
  }

  /** Whether the text so far ends in too much whitespace. Then no other text is expected. */
  get isBlank(): boolean {
    return this.#blanks.isRunaway
  }

  /** Reads the next piece of the answer. Returns the text of each element that closed in it. */
  write(delta: string): string[] {
    if (this.#failed) return []
    this.#blanks.read(delta)
    let text = this.#carry + delta
    this.#carry = ''
    if (isHighSurrogate(text.charCodeAt(text.length - 1))) {
      this.#carry = text.slice(-1)
      text = text.slice(0, -1)
    }
    // The tokenizer skips a byte order mark without counting it.
    if (this.#offset === 0) text = text.replace(/^\uFEFF+/, '')
    this.#chunk = Buffer.from(text)
    this.#closed = []
    try {
      this.#tokenizer.write(this.#chunk)
    } catch {
      this.#failed = true
    }
    if (this.#start !== undefined) this.#head += this.#cut(this.#start)
    this.#offset += this.#chunk.length
    return this.#closed
  }

  #onToken(token: TokenType, value: unknown, offset: number): void {
    this.#isEmpty = false
    const isElement = this.#inResults && this.#depth === 2
    switch (token) {
      case TokenType.LEFT_BRACE:
      case TokenType.LEFT_BRACKET:
        if (isElement) this.#start = offset
        if (this.#depth === 1) this.#inResults = token === TokenType.LEFT_BRACKET && this.#key === 'results'
        this.#depth += 1
        break
      case TokenType.RIGHT_BRACE:
      case TokenType.RIGHT_BRACKET:
        this.#depth -= 1
        if (this.#inResults && this.#depth === 2 && this.#start !== undefined) {
          this.#closed.push(this.#head + this.#cut(this.#start, offset + 1))
          this.#start = undefined
          this.#head = ''
        }
        break
      case TokenType.COLON:
        if (this.#depth === 1) this.#key = this.#string
        break
      case TokenType.COMMA:
        break
      default:
        if (this.#depth === 1) this.#string = value
        // The value is no object, so it has no id. But it cost tokens, so it counts as an element.
        else if (isElement) this.#closed.push(JSON.stringify(value))
    }
  }

  /** Text of the current chunk between two bytes of the answer. Chunks never split characters. */
  #cut(from: number, to = Infinity): string {
    return this.#chunk.toString('utf8', Math.max(0, from - this.#offset), to - this.#offset)
  }
}

/** Number of whitespace characters after which an answer is a runaway. Indented JSON has dozens. */
const MAX_BLANKS = 500
/**
 * The same inside a string, which may hold a table or an empty page. An escape counts as two
 * characters.
 */
const MAX_BLANKS_IN_STRING = 5_000

/** Counts the whitespace at the end of a JSON text. */
class Blanks {
  #outside = 0
  #inside = 0
  #isInString = false
  #isEscaped = false

  get isRunaway(): boolean {
    return this.#outside > MAX_BLANKS || this.#inside > MAX_BLANKS_IN_STRING
  }

  read(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (this.#isInString) {
        const isBlank = this.#isEscaped ? BLANK_ESCAPES.has(code) : code === SPACE || code === BACKSLASH
        this.#inside = isBlank ? this.#inside + 1 : 0
        if (this.#isEscaped) this.#isEscaped = false
        else if (code === BACKSLASH) this.#isEscaped = true
        else if (code === QUOTE) this.#isInString = false
      } else {
        this.#outside = code > SPACE ? 0 : this.#outside + 1
        this.#isInString = code === QUOTE
      }
    }
  }
}

/** The letters n, r and t of the escapes for line breaks and tabs. */
const BLANK_ESCAPES = new Set([0x6e, 0x72, 0x74])
const SPACE = 0x20
const QUOTE = 0x22
const BACKSLASH = 0x5c

function isHighSurrogate(code: number): boolean {
  return (code & 0xfc00) === 0xd800
}
