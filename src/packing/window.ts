/**
 * Largest number of records that are read and wait: for older records, for a record with the same
 * text, or for more records with the same key.
 */
export function windowOf(maxInFlight: number, maxPackRecords: number): number {
  return 2 * (maxInFlight + 2) * maxPackRecords
}
