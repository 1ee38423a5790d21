import { Blanks } from './blanks.ts'

/** An element of an answer. */
export interface ElementText {
  readonly text: string
  /** Number of its own properties with the name `id`. JSON allows several. */
  readonly ids: number
}

/** A list or an object that may hold elements, or may be an element. */
interface Level {
  readonly isList: boolean
  /** Place in the answer at which it begins. */
  readonly start: number
  /** Whether it is the list that the request asks for, or an object in it, which is an element. */
  readonly isStrict: boolean
  /** Whether it is an object in a list. */
  readonly isItem: boolean
  /** Whether nothing has come after its bracket. */
  isFresh: boolean
  /** The last key. */
  key: string
  ids: number
  /** Whether it has a property of a result. */
  hasName: boolean
  /** Whether a value in it was searched for elements. Then it is no element. */
  isEnvelope: boolean
  /** Elements that stand in the object as values. If the object is an element, they are not. */
  readonly held: ElementText[]
}

/** Depth at which lists of elements are found: at the root, in an object, or in an object in it. */
const MAX_LEVELS = 2
/** The key under which the request asks for the elements. */
const RESULTS = 'results'
/** Tags around a thought, without whitespace: of most models, of Mistral, and of gpt-oss. */
const THOUGHTS = ['think>', 'thinking>', 'thought>', 'reasoning>']
const THINKING_TAGS = [...THOUGHTS.map((name) => `<${name}`), '[think]', '<|channel|>analysis']
const THOUGHT_TAGS = [...THOUGHTS.map((name) => `</${name}`), '[/think]', '<|end|>', '<|channel|>final']

/**
 * Finds the elements in an answer that is still being written. Servers that do not keep to the
 * schema wrap `{"results": [ … ]}` in prose, fences or thoughts, name it differently, leave it out,
 * or write each element on a line of its own.
 *
 * The parser only finds where each element begins and ends, by brackets and strings. `JSON.parse`
 * reads its text later. So a malformed element spoils no other element. An object is an element if
 * it is in the list of `results`, or if it has an `id` and a property of a result and is not inside
 * another element. The parser holds one element at a time and reads every character once.
 */
export class ElementParser {
  /** The properties of a result. */
  readonly #names: ReadonlySet<string>
  /** The open lists and objects outside of elements, and the open element. */
  #levels: Level[] = []
  /** Number of open brackets inside the innermost level that are not searched for elements. */
  #inner = 0
  /** A string that ends must be followed by a character that JSON allows there. */
  #string: 'none' | 'open' | 'ending' = 'none'
  #isEscaped = false
  /** The text of a string that may be a key of the innermost level. */
  #key = ''
  #isKey = false
  /** Whether a colon was the last character that is not whitespace. */
  #isAfterColon = false
  /** Place at which another value than an object begins in the list of `results`. */
  #scalar: number | undefined
  /** The part of a tag that has come, outside of JSON. */
  #tag = ''
  #isThinking = false
  /** Number of characters before the current piece. */
  #offset = 0
  /** The text from the first level that may be an element, or from the current piece. */
  #kept = ''
  #keptFrom = 0
  #closed: ElementText[] = []
  #elements = 0
  #hasValue = false
  #isEmpty = true
  #isStrict = true
  readonly #blanks = new Blanks()

  /** @param names The properties that a result can have beside its `id`. */
  constructor(names: Iterable<string>) {
    this.#names = new Set(names)
  }

  /** Whether the text so far has no JSON. */
  get failed(): boolean {
    return !this.#isEmpty && !this.#hasValue && this.#levels.length === 0
  }

  /** Whether no bracket and no thought is open. A text that ends with an open bracket was cut. */
  get isWhole(): boolean {
    return this.#levels.length === 0 && !this.#isThinking && !this.failed
  }

  /** Whether the text so far is only whitespace. */
  get isEmpty(): boolean {
    return this.#isEmpty
  }

  /** Whether the text so far ends in too much whitespace. Then no other text is expected. */
  get isBlank(): boolean {
    return this.#blanks.isRunaway
  }

  /** Whether an element is open. */
  get isInElement(): boolean {
    return this.#firstOpen !== undefined
  }

  /** Whether elements came in another form than the request asked for. */
  get isWrapped(): boolean {
    return !this.#isStrict && this.#elements > 0
  }

  /** Reads the next piece of the answer. Returns the elements that closed in it. */
  write(piece: string): ElementText[] {
    this.#kept += piece
    this.#closed = []
    for (let i = 0; i < piece.length; i++) this.#read(piece.charCodeAt(i), this.#offset + i)
    this.#offset += piece.length
    const keep = Math.min(this.#firstOpen ?? this.#offset, this.#scalar ?? this.#offset)
    if (keep > this.#keptFrom) {
      this.#kept = this.#kept.slice(keep - this.#keptFrom)
      this.#keptFrom = keep
    }
    this.#elements += this.#closed.length
    return this.#closed
  }

  /** Place at which the first open object begins that may be an element. */
  get #firstOpen(): number | undefined {
    return this.#levels.find(({ isList, isEnvelope }) => !isList && !isEnvelope)?.start
  }

  #read(code: number, at: number): void {
    if (this.#string === 'open') {
      this.#readString(code)
      return
    }
    if (code <= SPACE || code === BYTE_ORDER_MARK) {
      this.#blanks.outside()
      return
    }
    this.#blanks.reset()
    this.#isEmpty = false
    if (this.#string === 'ending') {
      // A quote that no such character follows is a part of the text that was not escaped.
      if (!AFTER_STRING.has(code)) {
        if (this.#isKey) this.#key += '"'
        this.#string = 'open'
        this.#readString(code)
        return
      }
      this.#string = 'none'
    }
    const level = this.#levels.at(-1)
    if (!level) this.#readOutside(code, at)
    else if (this.#inner > 0) this.#readInside(code)
    else this.#readLevel(level, code, at)
    this.#isAfterColon = code === COLON
  }

  #readString(code: number): void {
    this.#blanks.inside(code, this.#isEscaped)
    if (this.#isEscaped) this.#isEscaped = false
    else if (code === BACKSLASH) this.#isEscaped = true
    else if (code === QUOTE) {
      this.#string = 'ending'
      return
    }
    if (this.#isKey) this.#key += String.fromCharCode(code)
    // No key has a line break. So the bracket and the quote were prose.
    if (code === LINE_FEED && this.#isKey && this.#levels.length === 1) {
      this.#levels = []
      this.#string = 'none'
    }
  }

  /** Reads a character outside of JSON: prose, a fence, or a thought. */
  #readOutside(code: number, at: number): void {
    const tags = this.#isThinking ? THOUGHT_TAGS : THINKING_TAGS
    const tag = this.#tag + String.fromCharCode(code).toLowerCase()
    const isBegin = code === LESS_THAN || code === BRACKET
    this.#tag = tags.some((known) => known.startsWith(tag)) ? tag : isBegin ? String.fromCharCode(code) : ''
    if (tags.includes(tag)) {
      this.#isThinking = !this.#isThinking
      this.#tag = ''
    }
    const isOpening = code === BRACE || code === BRACKET
    if (!isOpening || this.#isThinking || this.#hasValue || code === BRACKET) this.#isStrict = false
    if (isOpening && !this.#isThinking) this.#push(code === BRACKET, at, false, false)
  }

  /** Reads a character in a value that is not searched for elements. */
  #readInside(code: number): void {
    if (code === QUOTE) this.#openString(false)
    else if (code === BRACE || code === BRACKET) this.#inner += 1
    else if (code === BRACE_END || code === BRACKET_END) this.#inner -= 1
  }

  #readLevel(level: Level, code: number, at: number): void {
    if (level.isFresh) {
      level.isFresh = false
      const isLegal = level.isList
        ? code === BRACE || code === BRACKET_END
        : code === QUOTE || code === BRACE_END
      // Brackets in prose.
      if (!isLegal && (this.#levels.length === 1 || this.#levels[0]?.isList)) {
        this.#levels = []
        this.#readOutside(code, at)
        return
      }
    }
    if (level.isList && level.isStrict && this.#scalar === undefined && !NO_SCALAR.has(code))
      this.#scalar = at
    switch (code) {
      case QUOTE:
        this.#openString(!level.isList && !this.#isAfterColon)
        break
      case COLON:
        this.#endKey(level)
        break
      case COMMA:
        this.#endScalar(at)
        break
      case BRACE:
      case BRACKET:
        this.#open(level, code === BRACKET, at)
        break
      case BRACE_END:
      case BRACKET_END:
        this.#endScalar(at)
        this.#pop(level, at + 1)
    }
  }

  #openString(isKey: boolean): void {
    this.#string = 'open'
    this.#isKey = isKey
    this.#key = ''
  }

  #endKey(level: Level): void {
    level.key = unescaped(this.#key)
    if (level.key === 'id') level.ids += 1
    else if (level.key !== RESULTS) level.hasName ||= this.#names.has(level.key)
    if (this.#levels.length === 1 && level.key !== RESULTS) this.#isStrict = false
  }

  /** Reads an opening bracket. Either it begins a level, or its value is not searched. */
  #open(level: Level, isList: boolean, at: number): void {
    if (level.isList) {
      if (isList) this.#inner = 1
      else this.#push(false, at, level.isStrict, true)
    } else if (!this.#isAfterColon && !isList) {
      // The bracket of the object before it is missing, or came twice.
      if (level.isItem) this.#pop(level, at)
      this.#push(false, at, level.isStrict, true)
    } else if (this.#isEnvelope(level)) {
      level.isEnvelope = true
      this.#push(isList, at, isList && level.key === RESULTS && this.#levels.length === 1, false)
    } else {
      level.hasName ||= this.#names.has(level.key)
      this.#inner = 1
    }
  }

  /** Whether an object is no element, and its next value may hold elements. */
  #isEnvelope({ isStrict, isItem, ids, hasName, key }: Level): boolean {
    if (isStrict || ids > 0 || hasName || this.#levels.length > MAX_LEVELS) return false
    return key === RESULTS || (!isItem && !this.#names.has(key))
  }

  #push(isList: boolean, start: number, isStrict: boolean, isItem: boolean): void {
    if (isList && !isStrict) this.#isStrict = false
    const state = { isFresh: true, key: '', ids: 0, hasName: false, isEnvelope: false, held: [] }
    this.#levels.push({ isList, start, isStrict, isItem, ...state })
  }

  #pop({ isList, start, isStrict, ids, hasName, isEnvelope, held }: Level, end: number): void {
    this.#levels.pop()
    this.#hasValue ||= this.#levels.length === 0
    if (isList) return
    const hasResult = ids > 0 && (hasName || this.#names.size === 0)
    if (isStrict || (hasResult && !isEnvelope)) this.#give([{ text: this.#textOf(start, end), ids }])
    else if (!hasResult) this.#give(held)
    if (!isStrict && hasResult) this.#isStrict = false
  }

  /** Returns elements, or holds them until it is known whether the object around them is one. */
  #give(elements: readonly ElementText[]): void {
    const parent = this.#levels.at(-1)
    const to = parent && !parent.isList ? parent.held : this.#closed
    to.push(...elements)
  }

  /** A value that is no object has no id. But it cost tokens, so it counts as an element. */
  #endScalar(at: number): void {
    if (this.#scalar === undefined) return
    this.#closed.push({ text: this.#textOf(this.#scalar, at).trim(), ids: 0 })
    this.#scalar = undefined
  }

  #textOf(from: number, to: number): string {
    return this.#kept.slice(from - this.#keptFrom, to - this.#keptFrom)
  }
}

/** The text of a string in JSON. */
function unescaped(text: string): string {
  if (!text.includes('\\')) return text
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return text
  }
}

const codeOf = (character: string): number => character.charCodeAt(0)
const SPACE = codeOf(' ')
const LINE_FEED = codeOf('\n')
const QUOTE = codeOf('"')
const BACKSLASH = codeOf('\\')
const COLON = codeOf(':')
const COMMA = codeOf(',')
const BRACE = codeOf('{')
const BRACE_END = codeOf('}')
const BRACKET = codeOf('[')
const BRACKET_END = codeOf(']')
const LESS_THAN = codeOf('<')
const BYTE_ORDER_MARK = 0xfeff
/** The characters that can follow a string. */
const AFTER_STRING = new Set([COLON, COMMA, BRACE_END, BRACKET_END])
/** The characters of a list that begin no scalar. */
const NO_SCALAR = new Set([COMMA, BRACE, BRACE_END, BRACKET_END])
