/** All values of `Format`. */
export const formats = ['jsonl', 'json', 'csv', 'tsv', 'lines'] as const

/** `lines`: each line is a record, a string. `tsv` is `csv` with tabs. */
export type Format = (typeof formats)[number]

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
}
const compressions: Readonly<Record<string, Compression>> = {
  gz: 'gzip',
  gzip: 'gzip',
  zst: 'zstd',
  zstd: 'zstd',
}

/**
 * Reads the format and the compression from the name of a file. Knows `.jsonl`, `.ndjson`,
 * `.jsonlines`; `.json`; `.csv`; `.tsv`, `.tab`; `.txt`, `.text`, `.log`, `.lines`, in upper and
 * lower case, and for a compressed file `.gz`, `.gzip`, `.zst` or `.zstd` behind it. `undefined`:
 * the name does not tell the format, or the file is not compressed.
 */
export function formatOf(name: string): {
  format: Format | undefined
  compression: Compression | undefined
} {
  const parts = name.split(/[\\/]/).at(-1)?.toLowerCase().split('.').slice(1) ?? []
  const compression = lookUp(compressions, parts.at(-1))
  if (compression !== undefined) parts.pop()
  return { format: lookUp(endings, parts.at(-1)), compression }
}

function lookUp<T>(table: Readonly<Record<string, T>>, extension: string | undefined): T | undefined {
  return extension !== undefined && Object.hasOwn(table, extension) ? table[extension] : undefined
}
