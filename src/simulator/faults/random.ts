/** Returns the next number of a fixed sequence, from 0 (inclusive) to 1 (exclusive). */
export type Random = () => number

/** Returns the sequence for a 32-bit seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Returns a whole number from `least` to `most`, both inclusive. */
export function between(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1))
}

/** Chooses about a third of `count` positions, and at least one position if `count` is above 0. */
export function someOf(random: Random, count: number): Set<number> {
  const chosen = new Set<number>()
  for (let at = 0; at < count; at++) if (random() < 1 / 3) chosen.add(at)
  if (chosen.size === 0 && count > 0) chosen.add(between(random, 0, count - 1))
  return chosen
}
