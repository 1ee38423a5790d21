import { open, type FileHandle } from 'node:fs/promises'
import zlib from 'node:zlib'
import type { AsyncBuffer, Compressors, FileMetaData } from 'hyparquet'
import { FileError, MOST_ROWS } from '../row.ts'
import { unreadable } from './file-bytes.ts'
import { converterOf, hideTypes, parsers } from './parquet-values.ts'
import { load, sizeOnDisk, tableRow, type TableBatch, type TableOptions } from './table.ts'

/** The key of the metadata that says which nulls stand for properties that are absent. */
export const ABSENT = 'llm-pack-stream.absent'

/** Uncompressed size of the rows that are decoded at a time. */
const RANGE_BYTES = 16 * 1024 * 1024
const MOST_RANGE_ROWS = 65_536

/**
 * The rows of a Parquet file. Of a row group, it keeps the compressed bytes, and decodes a range of
 * rows at a time. A row group with nested columns is decoded as a whole, because only the pages of
 * flat columns show which rows they hold.
 */
export async function* readParquet(
  file: string,
  { exactNumbers = false }: TableOptions,
): AsyncGenerator<TableBatch, void> {
  const size = sizeOnDisk(file, 'Parquet')
  const { parquetMetadataAsync, parquetRead, parquetSchema } = await load(
    'hyparquet',
    import('hyparquet'),
    file,
    'Parquet',
  )
  const handle = await open(file).catch((error: unknown) => {
    throw unreadable(file, error)
  })
  const slices = new Slices(handle, size)
  try {
    const metadata = await damaged(file, () => {
      if (size < 12) throw new Error('it is too short')
      return parquetMetadataAsync(slices, { parsers, geoparquet: false })
    })
    const meanings = hideTypes(metadata)
    const { children } = parquetSchema(metadata)
    const columns = Object.freeze(children.map(({ element }) => element.name))
    const converters = children.map((column) => converterOf(column, meanings, exactNumbers))
    const isNested = children.some((column) => column.children.length > 0)
    const absent = absentOf(metadata, columns)
    const compressors = await compressorsOf(metadata, file)
    const total = Number(metadata.num_rows)
    let line = 0
    for (const group of metadata.row_groups) {
      const groupEnd = line + Number(group.num_rows)
      const rowBytes = Number(group.total_byte_size) / Number(group.num_rows)
      const fitting = Math.min(MOST_RANGE_ROWS, Math.max(MOST_ROWS, Math.floor(RANGE_BYTES / rowBytes)))
      while (line < groupEnd) {
        const rowEnd = isNested ? groupEnd : Math.min(groupEnd, line + fitting)
        const rows = await damaged(file, async () => {
          let read: unknown[][] = []
          await parquetRead({
            ...{ file: slices, metadata, compressors, parsers, utf8: false, geoparquet: false },
            ...{ rowStart: line, rowEnd },
            onComplete: (all) => (read = all),
          })
          if (read.length !== rowEnd - line)
            throw new Error(`expected ${rowEnd - line} rows, got ${read.length}`)
          return read
        })
        for (let at = 0; at < rows.length; at += MOST_ROWS) {
          const some = rows.slice(at, at + MOST_ROWS)
          const made = some.map((values, i) =>
            tableRow(file, line + i + 1, columns, (column) => {
              const value = values[column] ?? null
              const isAbsent = value === null && absent[column]?.()
              return isAbsent ? undefined : converters[column]?.(value)
            }),
          )
          line += made.length
          yield { rows: made, columns, bytes: Math.round((size * line) / total) }
        }
      }
      slices.forget()
    }
    yield { rows: [], columns, bytes: size }
  } finally {
    await handle.close()
  }
}

/**
 * What `jsonlToParquet` wrote. Each function is called at each null of its column, in order, and
 * tells whether its row does not have the property.
 */
function absentOf({ key_value_metadata = [] }: FileMetaData, columns: readonly string[]) {
  const text = key_value_metadata.find(({ key }) => key === ABSENT)?.value
  const known = new Map(text === undefined ? [] : (JSON.parse(text) as [string, true | number[]][]))
  return columns.map((name) => {
    const turns = known.get(name)
    if (!Array.isArray(turns)) return () => turns === true
    let [turn, left] = [0, turns[0] ?? 0]
    return () => {
      while (left === 0 && turn < turns.length) left = turns[++turn] ?? 0
      left -= 1
      return turn % 2 === 1
    }
  })
}

/** Parts of a file. It keeps the parts of a row group, which hyparquet asks for again and again. */
class Slices implements AsyncBuffer {
  readonly byteLength: number
  readonly #file: FileHandle
  readonly #kept = new Map<string, Promise<ArrayBuffer>>()

  constructor(file: FileHandle, size: number) {
    this.#file = file
    this.byteLength = size
  }

  slice(start: number, end = this.byteLength): Promise<ArrayBuffer> {
    const name = `${start}-${end}`
    const slice = this.#kept.get(name) ?? this.#read(start, end)
    this.#kept.set(name, slice)
    return slice
  }

  forget(): void {
    this.#kept.clear()
  }

  async #read(start: number, end: number): Promise<ArrayBuffer> {
    if (start < 0 || end < start || end > this.byteLength) throw new Error('it is cut off')
    const bytes = new Uint8Array(end - start)
    for (let at = 0; at < bytes.length;) {
      const { bytesRead } = await this.#file.read(bytes, at, bytes.length - at, start + at)
      if (bytesRead === 0) throw new Error('it is cut off')
      at += bytesRead
    }
    return bytes.buffer
  }
}

/** The codecs of the file that hyparquet itself does not have. */
async function compressorsOf({ row_groups }: FileMetaData, file: string): Promise<Compressors> {
  const codecs = new Set(
    row_groups.flatMap(({ columns }) => columns.map(({ meta_data }) => meta_data?.codec)),
  )
  // Not a named import, because older versions than Node 22.15 do not have zstd.
  const { zstdDecompressSync } = zlib as Partial<typeof zlib>
  const own: Compressors = {
    GZIP: (bytes) => zlib.gunzipSync(bytes),
    BROTLI: (bytes) => zlib.brotliDecompressSync(bytes),
    ...(zstdDecompressSync && { ZSTD: (bytes) => zstdDecompressSync(bytes) }),
  }
  const others = [...codecs].filter(
    (codec) => codec && codec !== 'UNCOMPRESSED' && codec !== 'SNAPPY' && !own[codec],
  )
  if (others.length === 0) return own
  const format = `Parquet with ${others.join(' and ')} compression`
  const { compressors } = await load('hyparquet-compressors', import('hyparquet-compressors'), file, format)
  // Its LZ4 refuses an empty page, which a column of nulls has.
  const orEmpty = Object.entries(compressors).map(([codec, decompress]) => [
    codec,
    (bytes: Uint8Array, length: number) => (length === 0 ? new Uint8Array() : decompress(bytes, length)),
  ])
  return { ...(Object.fromEntries(orEmpty) as Compressors), ...own }
}

async function damaged<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw unreadable(file, error)
    throw new FileError(
      'cannot_read',
      file,
      `it is not Parquet, or damaged: ${(error as Error).message}`,
      error,
    )
  }
}
