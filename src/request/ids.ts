/**
 * Offsets of the ids within their nines. Neighbours in this list are no neighbours in counting,
 * also across two nines.
 */
const OFFSETS = [0, 2, 4, 6, 8, 1, 3, 5, 7]

/** All numbers with three digits, and then all numbers with four digits. */
const IDS = [...shuffled(100, 101, 66), ...shuffled(1_000, 1_009, 22)]

/**
 * The id at a position of a prompt, from 0: the examples come first, and then the records.
 *
 * A model has to copy the ids. They have no order, so a model that counts writes ids that no record
 * of the request has. Among 100 ids in a row, none is the next number after another. OpenAI's
 * tokenizers have one token for each number with three digits.
 */
export function idAt(position: number): number {
  // Beyond the table, ids are in order.
  return IDS[position] ?? position + 100
}

/**
 * The numbers from `first` to `10 * first - 1`, in no order: the powers of a primitive root pass
 * through all numbers below the prime, and no two steps in a row are the same.
 */
function shuffled(first: number, prime: number, root: number): number[] {
  const nines: number[] = []
  for (let i = 1, power = root; i < prime; i++, power = (power * root) % prime) {
    if (power <= first) nines.push(first + 9 * (power - 1))
  }
  return OFFSETS.flatMap((offset) => nines.map((nine) => nine + offset))
}
