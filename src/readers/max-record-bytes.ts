const DEFAULT = 4 * 1024 * 1024

export function maxRecordBytesOf(value: number | undefined): number {
  if (value === undefined) return DEFAULT
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new RangeError(`Expected \`maxRecordBytes\` to be a positive integer, got ${String(value)}`)
}
