/**
 * Largest number of records that are read and wait: for older records, for a record with the same
 * text, or for more records with the same key. The first record of a full mix may be the last to
 * leave, while the next mix fills.
 */
export function windowOf(maxInFlight: number, maxPackRecords: number, mix: number): number {
  return 2 * ((maxInFlight + 2) * maxPackRecords + mix)
}

/**
 * Part of a full window that must be free before it has room again. A larger part would leave slots
 * without a request while an old record holds the window up.
 */
const FREE_SHARE = 1 / 4

/**
 * Whether the window is full. A full window has room again when a quarter of it is free. If each
 * record that leaves let one record in, packs of one record would leave.
 */
export class Window {
  readonly #size: number
  #isFull = false

  constructor(size: number) {
    this.#size = size
  }

  /** @param records Number of records in the window. */
  isFull(records: number): boolean {
    this.#isFull = records >= this.#size || (this.#isFull && records > this.#size * (1 - FREE_SHARE))
    return this.#isFull
  }
}
