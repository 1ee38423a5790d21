/** Formats of text: a reader of bytes can read them. */
const textFormats = ['jsonl', 'json', 'csv', 'tsv', 'lines'] as const
/** Formats with an index: they need a file. */
const tableFormats = ['parquet', 'xlsx', 'sqlite'] as const
/** All values of `Format`. */
export const formats = [...textFormats, ...tableFormats] as const

export type TextFormat = (typeof textFormats)[number]
export type TableFormat = (typeof tableFormats)[number]

/**
 * `lines`: each line is a record, a string. `tsv` is `csv` with tabs. `sqlite`: the result of a
 * query, `sqlite:FILE?query=SELECT ...`.
 */
export type Format = TextFormat | TableFormat

export function isTableFormat(format: Format): format is TableFormat {
  return (tableFormats as readonly Format[]).includes(format)
}

/** The compression of a file. */
export type Compression = 'gzip' | 'zstd'

const endings: Readonly<Record<string, Format>> = {
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  jsonlines: 'jsonl',
  json: 'json',
  csv: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
  txt: 'lines',
  text: 'lines',
  log: 'lines',
  lines: 'lines',
  parquet: 'parquet',
  pq: 'parquet',
  xlsx: 'xlsx',
  xlsm: 'xlsx',
}
const compressions: Readonly<Record<string, Compression>> = {
  gz: 'gzip',
  gzip: 'gzip',
  zst: 'zstd',
  zstd: 'zstd',
}

/**
 * Reads the format and the compression from the name of a file. Knows `.jsonl`, `.ndjson`,
 * `.jsonlines`; `.json`; `.csv`; `.tsv`, `.tab`; `.txt`, `.text`, `.log`, `.lines`; `.parquet`,
 * `.pq`; `.xlsx`, `.xlsm`, in upper and lower case, and for a compressed file `.gz`, `.gzip`,
 * `.zst` or `.zstd` behind it. Knows the source `sqlite:FILE?query=SELECT ...` too. `undefined`:
 * the name does not tell the format, or the file is not compressed.
 */
export function formatOf(name: string): {
  format: Format | undefined
  compression: Compression | undefined
} {
  if (name.startsWith('sqlite:')) return { format: 'sqlite', compression: undefined }
  const parts = name.split(/[\\/]/).at(-1)?.toLowerCase().split('.').slice(1) ?? []
  const compression = lookUp(compressions, parts.at(-1))
  if (compression !== undefined) parts.pop()
  return { format: lookUp(endings, parts.at(-1)), compression }
}

function lookUp<T>(table: Readonly<Record<string, T>>, extension: string | undefined): T | undefined {
  return extension !== undefined && Object.hasOwn(table, extension) ? table[extension] : undefined
}
