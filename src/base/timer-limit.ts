/** Longest delay of a Node timer, in ms: 24 days. A timer with a longer delay fires at once. */
export const LONGEST_TIMER = 2 ** 31 - 1
