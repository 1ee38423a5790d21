/** The shortest run of letters and digits that is taken for a quotation from a longer text. */
const SHORTEST = 10
/** A text with fewer is no secret: it stands in any sentence. */
const LEAST = 4
/** A message longer than this is cut: nobody reads more, and looking for quotations takes time. */
const LONGEST = 500

/**
 * A server's message without anything that it quotes from private texts, such as the records and the key, however it is
 * written there: in other case, word by word, or with the escapes of JSON, URLs and HTML.
 */
export function scrub(message: string, secrets: readonly string[]): string {
  // A quotation is told also where the cut leaves only its beginning.
  const text = message
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 2 * LONGEST)
  const { letters, places } = lettersOf(text)
  const isSecret = new Array<boolean>(text.length).fill(false)
  if (letters.length < LEAST) return text.slice(0, LONGEST)
  for (const secret of new Set(secrets.map(plain))) {
    if (secret.length < LEAST) continue
    // A short text is looked for as a whole, a long one in every part.
    const size = Math.min(SHORTEST, secret.length)
    for (let i = 0; i + size <= letters.length; i++) {
      if (!secret.includes(letters.slice(i, i + size))) continue
      isSecret.fill(true, places[i]?.from, places[i + size - 1]?.to)
    }
  }
  let clean = ''
  for (let i = 0; i < Math.min(text.length, LONGEST); i++) {
    if (!isSecret[i]) clean += text[i] ?? ''
    else if (!isSecret[i - 1]) clean += '…'
  }
  return clean
}

/** A character, or the escape of one: in JSON, in a URL (of which several make one), in HTML. */
const WRITTEN =
  /\\+u[\da-f]{4}|\\+x[\da-f]{2}|\\+[bfnrt"/]|(?:%[\da-f]{2})+|&#x?[\da-f]{1,6};|&[a-z]{2,6};|./gisu

/** The letters and digits of a text, in lower case, and where in it each is written. */
function lettersOf(text: string): { letters: string; places: { from: number; to: number }[] } {
  let letters = ''
  const places: { from: number; to: number }[] = []
  for (const { 0: written, index } of text.matchAll(WRITTEN)) {
    const found = plain(unescape(written))
    places.push(...Array.from({ length: found.length }, () => ({ from: index, to: index + written.length })))
    letters += found
  }
  return { letters, places }
}

/** Letters and digits only, in lower case, and without accents, however those were put together. */
function plain(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '')
}

function unescape(written: string): string {
  const code = /^(?:\\+[ux]|&#x)([\da-f]+);?$/i.exec(written)?.[1]
  const decimal = /^&#(\d+);$/.exec(written)?.[1]
  const point = code === undefined ? Number(decimal ?? NaN) : Number.parseInt(code, 16)
  if (point <= 0x10ffff) return String.fromCodePoint(point)
  if (written.length > 1 && written.startsWith('%')) {
    try {
      return decodeURIComponent(written)
    } catch {
      return ''
    }
  }
  // Other escapes stand for no letter.
  return /^(\\|&).+/s.test(written) ? '' : written
}
