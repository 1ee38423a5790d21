/** What Node's timers can wait, in ms: 24 days. Asked for more, they fire at once. */
export const LONGEST_TIMER = 2 ** 31 - 1
