/** Pauses where a server names none, in ms: the first, doubling up to the longest. */
const FIRST_PAUSE = 500
const MAX_PAUSE = 60_000

/**
 * How long to wait before trying again, in ms.
 *
 * @param failures How many tries in a row have failed.
 * @param random From 0 to 1: what shortens the pause.
 */
export function backoff(failures: number, random: () => number): number {
  const pause = Math.min(FIRST_PAUSE * 2 ** (Math.max(1, failures) - 1), MAX_PAUSE)
  // Up to a quarter less, so that several processes do not come back together.
  return pause * (1 - random() / 4)
}
