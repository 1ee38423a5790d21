import { between, type Random } from './random.ts'

/** The longest pieces: of an answer in characters, which is a few tokens, and of a body in bytes. */
const longestText = 24
const longestBytes = 160

/** Whether the text has a character's second half at `at`. */
export function isInsideCharacter(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff
}

/**
 * The same text as `tokens`, in as many parts, but cut anywhere between two characters. What a part would have beyond
 * its last cut comes with a later one, so some parts are empty, and none has text that its token has not reached.
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

/** The bytes of a text in pieces of random length, which end inside characters too. */
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
