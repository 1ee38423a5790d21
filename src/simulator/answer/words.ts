/** Words that do not show the subject of a text. */
const stopWords = new Set(
  (
    'a about all also am an and any are as at be because been but by can could d did do does doing done for from ' +
    'get got had has have how i if im in into is it its ive just ll m me my no not now of on or our out please re ' +
    's so some t than that the their them then there these they this to too up ve was we were what when where ' +
    'which while who why will with would you your'
  ).split(' '),
)

/**
 * Words with the same first letters, up to this number, count as the same word: card and cards,
 * transfer and transferring.
 */
const keyLength = 4

function keysOf(words: Iterable<string>, keep: (word: string) => boolean): string[] {
  const keys = new Set<string>()
  for (const word of words) if (keep(word)) keys.add(word.slice(0, keyLength))
  return [...keys]
}

/** Returns the distinct word keys of a text, without stop words. */
export function textKeys(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  return keysOf(words, (word) => !stopWords.has(word))
}

/**
 * Returns the distinct word keys of a name such as `card_arrival`, `card-arrival` or `cardArrival`.
 * Stop words count only if the name has no other words: the label `not` is about the word "not".
 */
export function nameKeys(name: string): string[] {
  const words = name
    .replace(/(\p{Ll}|\p{N})(?=\p{Lu})/gu, '$1 ')
    .toLowerCase()
    .match(/[\p{L}\p{M}\p{N}]+/gu)
  const keys = keysOf(words ?? [], (word) => !stopWords.has(word))
  return keys.length > 0 ? keys : keysOf(words ?? [], () => true)
}
