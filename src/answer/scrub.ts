/** Shortest quotation from a longer text, in letters and digits. A shorter match is chance. */
const QUOTATION_LENGTH = 10
/** Shortest secret text, in letters and digits. A shorter text can be part of any sentence. */
const SECRET_LENGTH = 4
/** Characters that are kept of a message. The search for quotations in a longer text takes time. */
const MESSAGE_LENGTH = 500

/**
 * Removes quotations of private texts, such as the records and the key, from a server's message.
 * Finds them also in another case, word by word, or with the escapes of JSON, URLs and HTML.
 */
export function scrub(message: string, secrets: readonly string[]): string {
  // The text is longer than the result, to recognize a quotation that the result would cut.
  const text = message
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 2 * MESSAGE_LENGTH)
  const { letters, places } = lettersOf(text)
  const isSecret = new Array<boolean>(text.length).fill(false)
  if (letters.length < SECRET_LENGTH) return text.slice(0, MESSAGE_LENGTH)
  for (const secret of new Set(secrets.map(plain))) {
    if (secret.length < SECRET_LENGTH) continue
    // A short secret is searched as a whole. Of a long secret, every part is searched.
    const size = Math.min(QUOTATION_LENGTH, secret.length)
    for (let i = 0; i + size <= letters.length; i++) {
      if (!secret.includes(letters.slice(i, i + size))) continue
      isSecret.fill(true, places[i]?.from, places[i + size - 1]?.to)
    }
  }
  let clean = ''
  for (let i = 0; i < Math.min(text.length, MESSAGE_LENGTH); i++) {
    if (!isSecret[i]) clean += text[i] ?? ''
    else if (!isSecret[i - 1]) clean += '…'
  }
  return clean
}

/**
 * A character, or its escape in JSON, in a Python byte string or a URL (where a character takes
 * several bytes), or in HTML.
 */
const CHARACTER_OR_ESCAPE =
  /\\+u[\da-f]{4}|\\+x[c-f][\da-f](?:\\+x[89ab][\da-f]){1,3}|\\+x[\da-f]{2}|\\+[bfnrt"/]|(?:%[\da-f]{2})+|&#x?[\da-f]{1,6};|&[a-z]{2,6};|./gisu

/** The letters and digits of a text, in lower case, and the place of each in the text. */
function lettersOf(text: string): { letters: string; places: { from: number; to: number }[] } {
  let letters = ''
  const places: { from: number; to: number }[] = []
  for (const { 0: written, index } of text.matchAll(CHARACTER_OR_ESCAPE)) {
    const found = plain(unescape(written))
    places.push(...Array.from({ length: found.length }, () => ({ from: index, to: index + written.length })))
    letters += found
  }
  return { letters, places }
}

/** The letters and digits of a text, in lower case and without accents. */
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
  const bytes = written.replace(/\\+x/g, '%')
  if (bytes.length > 1 && bytes.startsWith('%')) {
    try {
      return decodeURIComponent(bytes)
    } catch {
      // The bytes are no UTF-8: each is a letter of Latin-1, or none.
      return bytes.replace(/%(..)/g, (_, byte: string) => String.fromCharCode(Number.parseInt(byte, 16)))
    }
  }
  // No other escape stands for a letter.
  return /^(\\|&).+/s.test(written) ? '' : written
}
