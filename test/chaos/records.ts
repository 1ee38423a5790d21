/** What a record of the chaos run is, and what is to become of it. */

const WORDS =
  'amber basil cedar delta ember fjord grove harbor island juniper kelp lagoon maple nectar olive pepper quartz river sage timber'.split(
    ' ',
  )

/** Which outcome a record gets that no answer can hold a result for. */
export const POISONS = {
  refusal: 'refused',
  content_filter: 'content_filtered',
  content_filter_error: 'content_filtered',
  context: 'context_length_exceeded',
  invalid: 'invalid_result',
  missing: 'missing_result',
} as const

type Poison = keyof typeof POISONS

/** One record in so many is poisoned. */
const POISON_EVERY = 400

export function poisonOf(index: number): Poison | undefined {
  if (index % POISON_EVERY !== POISON_EVERY / 2) return undefined
  const poisons = Object.keys(POISONS) as Poison[]
  return poisons[Math.floor(index / POISON_EVERY) % poisons.length]
}

/** Begins with its number, which the simulator quotes: so each result shows whose it is. */
export function textOf(index: number, random: () => number): string {
  const words = Array.from(
    { length: 2 + Math.floor(random() * 20) },
    () => WORDS[Math.floor(random() * WORDS.length)],
  )
  const poison = poisonOf(index)
  return `No. ${index}: ${poison ? `poison: ${poison} ` : ''}${words.join(' ')}`
}
