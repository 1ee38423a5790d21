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

  /** Whitespace at the end of the text so far, outside of strings, in characters. */
  get trailingBlanks(): number {
    return this.#blanks.count
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

/** Counts the whitespace that ends a JSON text. */
class Blanks {
  count = 0
  #isInString = false
  #isEscaped = false

  read(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (this.#isEscaped) this.#isEscaped = false
      else if (code === BACKSLASH) this.#isEscaped = this.#isInString
      else if (code === QUOTE) this.#isInString = !this.#isInString
      this.count = code > SPACE || this.#isInString ? 0 : this.count + 1
    }
  }
}

const SPACE = 0x20
const QUOTE = 0x22
const BACKSLASH = 0x5c

function isHighSurrogate(code: number): boolean {
  return (code & 0xfc00) === 0xd800
}
