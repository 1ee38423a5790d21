/** Returns the number of tokens of a text. */
export type TokenCounter = (text: string) => number

/**
 * UTF-8 bytes per token before the first answer. Measured with o200k_base: 4.42 for the 10,003
 * queries of Banking77, and 3.5 to 4.5 for other English text and JSON.
 */
const BYTES_PER_TOKEN = 4

/** Tokens of `<record id="25">` and of `</record>` with a newline, by o200k_base. */
const TAG_TOKENS = 8

/** Weight of an answer, relative to the weight of the next answer. */
const FORGETTING_FACTOR = 0.98

/**
 * Typical distance of a pack's tokens from the best fit. About 10 for packs of 25 records of
 * Banking77.
 */
const SCATTER_TOKENS = 10
/**
 * Weights of the first guesses, as a number of answers. The guess for the rate may be wrong by 0.1
 * tokens per byte. The guess for the fixed part may be wrong by half, because the API may or may
 * not count the schema.
 */
const RATE_WEIGHT = (SCATTER_TOKENS / 0.1) ** 2
const fixedWeight = (firstGuess: number) => (SCATTER_TOKENS / Math.max(firstGuess / 2, SCATTER_TOKENS)) ** 2

/**
 * Estimates tokens from bytes. Corrects itself by the usage that the API reports.
 *
 * The tokens of a prompt are the sum of a fixed part (instructions, schema and framing, whose exact
 * sizes are not public), the tags of each record, and a rate per byte of text. Least squares give
 * the fixed part and the rate. Both stay near the first guess until there is enough evidence.
 */
export class TokenEstimator {
  /** Tokens per byte. */
  #rate = 1 / BYTES_PER_TOKEN
  /** Tokens of the fixed part. */
  #fixed: number
  readonly #firstFixed: number
  // Weighted sums over the answers: of 1, bytes, bytes², tokens, and bytes × tokens. The tokens do
  // not include the tags.
  #n = 0
  #b = 0
  #bb = 0
  #t = 0
  #bt = 0

  /** @param fixedBytes UTF-8 bytes of a prompt without its records. */
  constructor(fixedBytes: number) {
    this.#firstFixed = fixedBytes / BYTES_PER_TOKEN
    this.#fixed = this.#firstFixed
  }

  /** Tokens of a record's text and the tags around it. */
  record(text: string): number {
    return TAG_TOKENS + this.text(Buffer.byteLength(text))
  }

  /** Tokens of a text. */
  text(bytes: number): number {
    return Math.ceil(bytes * this.#rate)
  }

  /** Tokens of a whole prompt. `bytes` is the length of all its records' texts. */
  prompt(records: number, bytes: number): number {
    return Math.round(this.#fixed + records * TAG_TOKENS + bytes * this.#rate)
  }

  /** Learns from the prompt tokens that the API reported. */
  observe(records: number, bytes: number, promptTokens: number): void {
    const tokens = promptTokens - records * TAG_TOKENS
    // Some servers count nothing, or leave out cached tokens. No context is as long as 1e9 tokens.
    if (!(tokens > 0 && tokens < 1e9)) return
    this.#n = this.#n * FORGETTING_FACTOR + 1
    this.#b = this.#b * FORGETTING_FACTOR + bytes
    this.#bb = this.#bb * FORGETTING_FACTOR + bytes ** 2
    this.#t = this.#t * FORGETTING_FACTOR + tokens
    this.#bt = this.#bt * FORGETTING_FACTOR + bytes * tokens
    const weight = fixedWeight(this.#firstFixed)
    const n = this.#n + weight
    const bb = this.#bb + RATE_WEIGHT
    const t = this.#t + weight * this.#firstFixed
    const bt = this.#bt + RATE_WEIGHT / BYTES_PER_TOKEN
    const fitted = (n * bt - this.#b * t) / (n * bb - this.#b ** 2)
    // The fixed part cannot be negative. If the fit makes it negative, the fixed part counts as 0.
    const rate = t < fitted * this.#b ? bt / bb : fitted
    // No tokenizer has a rate outside these bounds. A server may report a wrong number.
    this.#rate = Math.min(Math.max(rate, 1 / 16), 2)
    this.#fixed = Math.max(0, (t - this.#rate * this.#b) / n)
  }
}
