/** The shortest run of characters that is taken for a quotation. */
const SHORTEST = 12
/** A message longer than this is cut: nobody reads more, and looking for quotations takes time. */
const LONGEST = 500

/** A server's message without anything that it quotes from private texts, such as the records and the key. */
export function scrub(message: string, secrets: readonly string[]): string {
  const text = message.replace(/\s+/g, ' ').trim().slice(0, LONGEST)
  const isSecret = new Array<boolean>(text.length).fill(false)
  for (const secret of secrets) {
    const flat = secret.replace(/\s+/g, ' ').trim()
    // A short text is looked for as a whole, a long one in every part.
    const size = Math.min(SHORTEST, flat.length)
    if (size === 0) continue
    for (let i = 0; i + size <= text.length; i++) {
      if (flat.includes(text.slice(i, i + size))) isSecret.fill(true, i, i + size)
    }
  }
  let clean = ''
  for (let i = 0; i < text.length; i++) {
    if (!isSecret[i]) clean += text[i] ?? ''
    else if (!isSecret[i - 1]) clean += '…'
  }
  return clean
}
