import { between, type Random } from './random.ts'

/** Longest piece of an answer, in characters (a few tokens), and of a body, in bytes. */
const longestText = 24
const longestBytes = 160

/** Whether position `at` is inside a character, before its second UTF-16 unit. */
export function isInsideCharacter(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff
}

/**
 * Cuts the text of `tokens` into the same number of parts, at random places between two characters.
 * The text after a part's last cut comes with a later part. So some parts are empty, and no part
 * has text from a later token.
 */
export function cutAnywhere(tokens: readonly string[], random: Random): string[] {
  const parts: string[] = []
  let pending = ''
  let length = between(random, 1, longestText)
  for (const [at, token] of tokens.entries()) {
    pending += token
    let cut = 0
    while (cut + length <= pending.length) {
      cut += length
      length = between(random, 1, longestText)
    }
    if (at === tokens.length - 1) cut = pending.length
    if (cut > 0 && isInsideCharacter(pending, cut)) cut--
    parts.push(pending.slice(0, cut))
    pending = pending.slice(cut)
  }
  return parts
}

/** Cuts the bytes of a text into pieces of random length. A piece may end inside a character. */
export function cutBytes(text: string, random: Random): Buffer[] {
  const bytes = Buffer.from(text)
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const end = at + between(random, 1, longestBytes)
    pieces.push(bytes.subarray(at, end))
    at = end
  }
  return pieces
}
