export { isExactNumber, type ExactNumber } from './read/exact-number.ts'
export { isDelimiter } from './checks.ts'
export { findFiles } from './find-files.ts'
export {
  earlierRow,
  ERROR,
  INDEX,
  MORE,
  outcomeColumns,
  OUTCOME_COLUMNS,
  OWN_COLUMNS,
  rawColumns,
  readBackRow,
  reasonOf,
  withoutIndex,
  type EarlierRow,
  type Reason,
  type Rejection,
} from './own-columns.ts'
export { formatOf, formats, type Compression, type Format, type TextFormat } from './format.ts'
export { parseExactly } from './read/json-value.ts'
export { isFormula, unescapeFormula } from './write/formulas.ts'
export { jsonlToParquet, checkParquetWriter, type ParquetOptions } from './write/parquet-file.ts'
export { cellText, csvHeader, csvLine, jsonlLine } from './write/row-lines.ts'
export { outcomeRow, type OutcomeRowOptions } from './write/outcome-row.ts'
export {
  readCsv,
  readJson,
  readJsonl,
  readLines,
  readTsv,
  type CsvReaderOptions,
  type JsonArrayReaderOptions,
  type JsonReaderOptions,
  type ReaderOptions,
  type TsvReaderOptions,
} from './read/byte-readers.ts'
export { FileError, RowError, rowErrorCodes } from './row.ts'
export type { BadRow, GoodRow, Row, RowErrorCode } from './row.ts'
export { isSource } from './read/sqlite.ts'
export type { ReadOptions } from './read/read-options.ts'
export { readRows, type RowStream } from './read/row-stream.ts'
export { wholeText } from './read/whole-text.ts'
export {
  writeCsv,
  writeJson,
  writeJsonl,
  writeOutcomes,
  type CsvWriterOptions,
  type OutcomeWriterOptions,
} from './write/row-writers.ts'
