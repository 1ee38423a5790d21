/** How many records may be read and wait: for older records, for a record of the same text, or for company of their key. */
export function windowOf(maxInFlight: number, maxPackRecords: number): number {
  return 2 * (maxInFlight + 2) * maxPackRecords
}
