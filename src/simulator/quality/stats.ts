/** Counts of the answers that followed the option `quality`. */
export type QualityStats = {
  /** Answered records whose right result was known. */
  asked: number
  /** Records that were answered with the right result. */
  right: number
  /** Records whose answer was made right or wrong by noise. */
  flipped: number
  /** Records that took the result of the record before them. */
  neighbours: number
  /** Records that took the label `catchAll`. */
  catchAll: number
  /** Requests that went badly. */
  badPacks: number
}

export function emptyQuality(): QualityStats {
  return { asked: 0, right: 0, flipped: 0, neighbours: 0, catchAll: 0, badPacks: 0 }
}
