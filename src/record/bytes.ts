import { RecordError } from './errors.ts'

/** The error for bytes that were written without a reader. `undefined` for another record. */
export function bytesError(record: unknown): RecordError | undefined {
  if (!ArrayBuffer.isView(record) && !(record instanceof ArrayBuffer)) return undefined
  const readers = '`readJsonl()`, `readJson()`, `readCsv()` or `readLines()` of `llm-pack-stream/readers`'
  return new RecordError('invalid_record', `Expected a record, got bytes: pipe them through ${readers} first`)
}
