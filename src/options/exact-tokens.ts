import { expected } from '../base/option-checks.ts'
import type { TokenCounter } from '../learning/token-estimator.ts'
import { defaults } from './defaults.ts'

/**
 * Encodings of gpt-tokenizer. Models since gpt-4o use `o200k_base`. gpt-4 and gpt-3.5 use
 * `cl100k_base`.
 */
export type Encoding = 'o200k_base' | 'o200k_harmony' | 'cl100k_base'

interface Tokenizer {
  countTokens: (text: string, options: { disallowedSpecial: Set<string> }) => number
}

/** Each path is written out, so that bundlers find the files. */
const encodings: Record<Encoding, () => Promise<Tokenizer>> = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  o200k_harmony: () => import('gpt-tokenizer/encoding/o200k_harmony'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
}
export const encodingNames = Object.keys(encodings)

/**
 * Length of the longest piece for the tokenizer, in UTF-16 units. The tokenizer takes quadratic
 * time for text without spaces.
 */
const PIECE_LENGTH = 256

/**
 * Length of the longest text that is counted completely, in UTF-16 units. The slowest measured text
 * (random Chinese characters) takes 1.7 µs per unit, so this text takes less than 30 ms. Of a
 * longer text, samples are counted.
 */
export const COMPLETE_LENGTH = 16_384

/**
 * Loads [gpt-tokenizer](https://www.npmjs.com/package/gpt-tokenizer), an optional peer dependency
 * that you install yourself. Returns an exact counter for the `countTokens` option. The package is
 * loaded only when this function is called.
 *
 * The counter never throws. Special tokens such as `<|endoftext|>` count as text. The counter never
 * blocks for long: it counts a run of more than 256 characters without a space in pieces (exact for
 * JSON, less than 1% too high for other text), and of a text of more than 16,384 characters it
 * counts evenly spread samples.
 *
 * @param encoding The vocabulary. Default: `o200k_base`.
 * @throws {TypeError} If `encoding` is unknown.
 * @throws {Error} If gpt-tokenizer is not installed.
 */
export async function exactTokenCounter(encoding: Encoding = defaults.encoding): Promise<TokenCounter> {
  if (!Object.hasOwn(encodings, encoding)) {
    throw expected('encoding', `one of ${encodingNames.join(', ')}`, encoding)
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
    if (text.length <= COMPLETE_LENGTH) return count(text)
    const stride = (text.length / COMPLETE_LENGTH) * PIECE_LENGTH
    let tokens = 0
    let length = 0
    for (let at = 0; at < text.length; at += stride) {
      const space = text.indexOf(' ', at)
      const start = space >= 0 && space < at + PIECE_LENGTH ? space : Math.floor(at)
      const sample = text.slice(start, pieceEnd(text, start))
      tokens += countTokens(sample, asText)
      length += sample.length
    }
    return Math.ceil((tokens * text.length) / length)
  }
}

/**
 * End of the piece that starts at `start`. A piece ends before a space, which never splits a token.
 */
function pieceEnd(text: string, start: number): number {
  const end = start + PIECE_LENGTH
  if (end >= text.length) return text.length
  const space = text.lastIndexOf(' ', end)
  if (space > start) return space
  // An end between a letter or digit and a quotation mark, common in JSON, splits no token either.
  const toQuote = /^[^]*[a-z0-9](?=")/i.exec(text.slice(start, end + 1))
  if (toQuote) return start + toQuote[0].length
  const isHighSurrogate = (text.charCodeAt(end - 1) & 0xfc00) === 0xd800
  return isHighSurrogate ? end - 1 : end
}
