import { pieceEnd } from './tokens.ts'

/**
 * Token counts of a prompt: all tokens, and the tokens that an earlier prompt had put into the
 * cache.
 */
export type PromptCount = { tokens: number; cached: number }

/**
 * Prompt caching starts at this number of tokens and counts in steps of `cacheStep` tokens, as
 * OpenAI documents.
 */
const cacheStart = 1024
const cacheStep = 128

/**
 * Number of prefixes that the cache remembers. It drops the prefixes that were used longest ago.
 */
const mostPrefixes = 50_000

/**
 * Counts prompts and simulates prompt caching. A prefix of at least 1,024 tokens that an earlier
 * prompt had counts as cached, up to the last multiple of 128. The cache holds hashes of prefixes,
 * never text.
 */
export class PromptCache {
  readonly #seen = new Set<number>()

  /**
   * Counts a prompt that consists of `parts`. Each part is a message or schema, and adds three
   * tokens for its frame.
   */
  count(parts: readonly string[]): PromptCount {
    const prefixes: number[] = []
    let tokens = 0
    let hash = 0x811c9dc5
    const countOne = () => {
      tokens++
      if (tokens >= cacheStart && tokens % cacheStep === 0) prefixes.push(tokens * 2 ** 32 + (hash >>> 0))
    }
    for (const part of parts) {
      for (let at = 0; at < part.length;) {
        const end = pieceEnd(part, at)
        for (; at < end; at++) hash = Math.imul(hash ^ part.charCodeAt(at), 0x01000193)
        countOne()
      }
      hash = Math.imul(hash ^ 0x1_0000, 0x01000193)
      for (let frame = 0; frame < 3; frame++) countOne()
    }
    return { tokens: tokens + 3, cached: this.#remember(prefixes) }
  }

  #remember(prefixes: readonly number[]): number {
    const longest = prefixes.findLast((prefix) => this.#seen.has(prefix))
    for (const prefix of prefixes) {
      this.#seen.delete(prefix)
      this.#seen.add(prefix)
    }
    for (const oldest of this.#seen) {
      if (this.#seen.size <= mostPrefixes) break
      this.#seen.delete(oldest)
    }
    return longest === undefined ? 0 : Math.floor(longest / 2 ** 32)
  }
}
