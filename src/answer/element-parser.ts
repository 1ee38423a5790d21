import { Tokenizer, TokenType } from '@streamparser/json'

/**
 * Finds the elements of `{"results": [ … ]}` in an answer that is still being written.
 *
 * The tokenizer only finds where each element begins and ends. What is handed out is the element's own text, to be read
 * by `JSON.parse`; so what stands inside it (`__proto__` keys, escapes, big arrays) cannot matter here, and an element
 * whose tokens make no sense costs no other. Only a character that no JSON has ends the reading. One element is held at a
 * time, and every character is looked at once.
 */
export class ElementParser {
  readonly #tokenizer = new Tokenizer()
  /** How many brackets are open. */
  #depth = 0
  /** The last string at depth 1, and, once a colon has followed it, the key whose value comes next. */
  #string: unknown
  #key: unknown
  #inResults = false
  /** Byte at which the open element begins, and its text before the current chunk. */
  #start: number | undefined
  #head = ''
  /** The chunk being read and the number of bytes before it. */
  #chunk: Buffer = Buffer.alloc(0)
  #offset = 0
  /** The first half of a surrogate pair whose second half is in the next delta. */
  #carry = ''
  #closed: string[] = []
  #failed = false
  #isEmpty = true
  readonly #blanks = new Blanks()

  constructor() {
    this.#tokenizer.onToken = ({ token, value, offset }) => {
      this.#onToken(token, value, offset)
    }
    // The default handler throws from write(), which keeps what closed before the bad byte.
  }

  /** Whether the text so far is not JSON. Nothing that follows will be read. */
  get failed(): boolean {
    return this.#failed
  }

  /** Whether no bracket is open: a text that ends while one is was cut. An empty one was not. */
  get isWhole(): boolean {
    return this.#depth === 0 && !this.#failed
  }

  /** Whether there has been nothing but whitespace. */
  get isEmpty(): boolean {
    return this.#isEmpty && !this.#failed
  }

  /** Whether the text so far ends in so much whitespace that nothing else is to be expected. */
  get isBlank(): boolean {
    return this.#blanks.isRunaway
  }

  /** Reads the next piece of the answer and returns the text of each element that ended in it. */
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
        // No object, so it can carry no id; but it was paid for, and is counted as an element.
        else if (isElement) this.#closed.push(JSON.stringify(value))
    }
  }

  /** Text of the current chunk between two offsets in the whole answer. Chunks never split a character. */
  #cut(from: number, to = Infinity): string {
    return this.#chunk.toString('utf8', Math.max(0, from - this.#offset), to - this.#offset)
  }
}

/** Whitespace after which an answer is a runaway, in characters. Indented JSON has some dozens in a row. */
const MAX_BLANKS = 500
/** The same within a string, where a result may hold a table, or an empty page. Escapes count as they are written. */
const MAX_BLANKS_IN_STRING = 5_000

/** Counts the whitespace that ends a JSON text. */
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

/** The letters of the escapes for line breaks and tabs. */
const BLANK_ESCAPES = new Set([0x6e, 0x72, 0x74])
const SPACE = 0x20
const QUOTE = 0x22
const BACKSLASH = 0x5c

function isHighSurrogate(code: number): boolean {
  return (code & 0xfc00) === 0xd800
}
