/** The shortest run of characters that is taken for a quotation from a longer text. */
const SHORTEST = 12
/** A text shorter than this is no secret: it stands in any sentence. */
const LEAST = 4
/** A message longer than this is cut: nobody reads more, and looking for quotations takes time. */
const LONGEST = 500

/** A server's message without anything that it quotes from private texts, such as the records and the key. */
export function scrub(message: string, secrets: readonly string[]): string {
  // A quotation is told also where the cut leaves only its beginning.
  const text = flat(message).slice(0, LONGEST + SHORTEST)
  const isSecret = new Array<boolean>(text.length).fill(false)
  // As they are, and as they stand in JSON.
  const forms = new Set(
    secrets.flatMap((secret) => [flat(secret), flat(JSON.stringify(secret).slice(1, -1))]),
  )
  for (const form of forms) {
    if (form.length < LEAST) continue
    // A short text is looked for as a whole, a long one in every part.
    const size = Math.min(SHORTEST, form.length)
    for (let i = 0; i + size <= text.length; i++) {
      if (form.includes(text.slice(i, i + size))) isSecret.fill(true, i, i + size)
    }
  }
  let clean = ''
  for (let i = 0; i < Math.min(text.length, LONGEST); i++) {
    if (!isSecret[i]) clean += text[i] ?? ''
    else if (!isSecret[i - 1]) clean += '…'
  }
  return clean
}

function flat(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
