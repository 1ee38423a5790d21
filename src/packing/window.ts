/**
 * Largest number of records that are read and wait: for older records, for a record with the same
 * text, or for more records with the same key.
 */
export function windowOf(maxInFlight: number, maxPackRecords: number): number {
  return 2 * (maxInFlight + 2) * maxPackRecords
}

/**
 * Whether the window is full. A full window has room again when half of it is free. If each record
 * that leaves let one record in, packs of one record would leave.
 */
export class Window {
  readonly #size: number
  #isFull = false

  constructor(size: number) {
    this.#size = size
  }

  /** @param records Number of records in the window. */
  isFull(records: number): boolean {
    this.#isFull = records >= this.#size || (this.#isFull && records > this.#size / 2)
    return this.#isFull
  }
}
