/** Number of whitespace characters after which an answer is a runaway. Indented JSON has dozens. */
const MAX_BLANKS = 500
/**
 * The same inside a string, which may hold a table or an empty page. An escape counts as two
 * characters.
 */
const MAX_BLANKS_IN_STRING = 5_000

/** The letters n, r and t of the escapes for line breaks and tabs. */
const BLANK_ESCAPES = new Set([0x6e, 0x72, 0x74])
const SPACE = 0x20
const BACKSLASH = 0x5c

/** Counts the whitespace at the end of a text that is still being written. */
export class Blanks {
  #outside = 0
  #inside = 0

  get isRunaway(): boolean {
    return this.#outside > MAX_BLANKS || this.#inside > MAX_BLANKS_IN_STRING
  }

  /** A whitespace character outside of strings. */
  outside(): void {
    this.#outside += 1
  }

  /** A character of a string. */
  inside(code: number, isEscaped: boolean): void {
    const isBlank = isEscaped ? BLANK_ESCAPES.has(code) : code === SPACE || code === BACKSLASH
    this.#inside = isBlank ? this.#inside + 1 : 0
  }

  /** Another character outside of strings. */
  reset(): void {
    this.#outside = 0
    this.#inside = 0
  }
}
