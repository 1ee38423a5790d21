import { withOption } from '../base/option-checks.ts'
import type { TokenCounter } from '../learning/token-estimator.ts'

/** gpt-tokenizer's encodings. Models since gpt-4o use `o200k_base`; gpt-4 and gpt-3.5 use `cl100k_base`. */
export type Encoding = 'o200k_base' | 'o200k_harmony' | 'cl100k_base'

interface Tokenizer {
  countTokens: (text: string, options: { disallowedSpecial: Set<string> }) => number
}

/** Spelt out, so that bundlers see which files may be needed. */
const encodings: Record<Encoding, () => Promise<Tokenizer>> = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  o200k_harmony: () => import('gpt-tokenizer/encoding/o200k_harmony'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
}

/** Merging one unbroken run of characters is quadratic, so no piece handed to the tokenizer is longer than this. */
const PIECE = 256

/**
 * Longest text, in UTF-16 units, that is counted whole. The slowest text measured (random Chinese characters) takes
 * 1.7 µs each, so this is under 30 ms. Longer texts are sampled.
 */
const COUNTED_WHOLE = 16_384

/**
 * Loads [gpt-tokenizer](https://www.npmjs.com/package/gpt-tokenizer) (an optional peer: install it yourself) and returns
 * an exact counter for the `countTokens` option. Nothing of it is loaded before this is called.
 *
 * The counter never throws (special tokens such as `<|endoftext|>` count as the text they are) and never blocks for
 * long: runs of over 256 characters without a space are counted in pieces (JSON exactly, others under 1% too high), and
 * of texts over 16,384 characters evenly spread samples are counted.
 *
 * @param encoding Which vocabulary. Default: `o200k_base`.
 * @throws {TypeError} If there is no such encoding.
 * @throws {Error} If gpt-tokenizer is not installed.
 */
export async function exactTokenCounter(encoding: Encoding = 'o200k_base'): Promise<TokenCounter> {
  if (!Object.hasOwn(encodings, encoding)) {
    const known = Object.keys(encodings).join(', ')
    throw withOption(
      'encoding',
      new TypeError(`Expected \`encoding\` to be one of ${known}, got ${JSON.stringify(encoding)}`),
    )
  }
  const { countTokens } = await encodings[encoding]().catch((cause: unknown) => {
    throw new Error('exactTokenCounter needs the package gpt-tokenizer: npm install gpt-tokenizer', { cause })
  })
  const asText = { disallowedSpecial: new Set<string>() }

  const count = (text: string): number => {
    let tokens = 0
    for (let start = 0; start < text.length;) {
      const end = pieceEnd(text, start)
      tokens += countTokens(text.slice(start, end), asText)
      start = end
    }
    return tokens
  }

  return (text) => {
    if (text.length <= COUNTED_WHOLE) return count(text)
    const stride = (text.length / COUNTED_WHOLE) * PIECE
    let tokens = 0
    let length = 0
    for (let at = 0; at < text.length; at += stride) {
      const space = text.indexOf(' ', at)
      const start = space >= 0 && space < at + PIECE ? space : Math.floor(at)
      const sample = text.slice(start, pieceEnd(text, start))
      tokens += countTokens(sample, asText)
      length += sample.length
    }
    return Math.ceil((tokens * text.length) / length)
  }
}

/** Where a piece that starts here should end: before a space if there is one, since that never splits a token. */
function pieceEnd(text: string, start: number): number {
  const end = start + PIECE
  if (end >= text.length) return text.length
  const space = text.lastIndexOf(' ', end)
  if (space > start) return space
  // Nor does what comes between a letter or a digit and a quotation mark, which JSON is full of.
  const toQuote = /^[^]*[a-z0-9](?=")/i.exec(text.slice(start, end + 1))
  if (toQuote) return start + toQuote[0].length
  const isHighSurrogate = (text.charCodeAt(end - 1) & 0xfc00) === 0xd800
  return isHighSurrogate ? end - 1 : end
}
