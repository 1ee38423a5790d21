/** A record of the chaos run, and its expected outcome. */

const WORDS =
  'amber basil cedar delta ember fjord grove harbor island juniper kelp lagoon maple nectar olive pepper quartz river sage timber'.split(
    ' ',
  )

/** The outcome of a record for which no answer can hold a result. */
export const POISONS = {
  refusal: 'refused',
  content_filter: 'content_filtered',
  content_filter_error: 'content_filtered',
  context: 'context_length_exceeded',
  invalid: 'invalid_result',
  missing: 'missing_result',
} as const

type Poison = keyof typeof POISONS

/** One of this number of records is poisoned. */
const POISON_EVERY = 400

export function poisonOf(index: number): Poison | undefined {
  if (index % POISON_EVERY !== POISON_EVERY / 2) return undefined
  const poisons = Object.keys(POISONS) as Poison[]
  return poisons[Math.floor(index / POISON_EVERY) % poisons.length]
}

/**
 * The text begins with the record's number. The simulator quotes it, so each result shows its
 * record.
 */
export function textOf(index: number, random: () => number): string {
  const words = Array.from(
    { length: 2 + Math.floor(random() * 20) },
    () => WORDS[Math.floor(random() * WORDS.length)],
  )
  const poison = poisonOf(index)
  return `No. ${index}: ${poison ? `poison: ${poison} ` : ''}${words.join(' ')}`
}
