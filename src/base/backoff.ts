/** First and longest pause if the server names no pause, in ms. The pause doubles in between. */
const FIRST_PAUSE_MS = 500
export const LONGEST_PAUSE_MS = 60_000

/**
 * Time to wait before the next try, in ms.
 *
 * @param failures Number of tries in a row that have failed.
 * @param random Returns a number from 0 to 1. A larger number makes the pause shorter.
 */
export function backoff(failures: number, random: () => number): number {
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** (Math.max(1, failures) - 1), LONGEST_PAUSE_MS)
  // The pause is up to a quarter shorter, so that several processes do not come back at the same
  // time.
  return pause * (1 - random() / 4)
}
