import { appendFileSync, closeSync, openSync } from 'node:fs'
import { ABSENT } from '../read/parquet.ts'
import { readRows } from '../read/row-stream.ts'
import { load } from '../read/table.ts'
import { cellOf, Columns, type Column, type ColumnType } from './parquet-columns.ts'

/** Largest size of a row group, in rows and in bytes of JSON. */
const GROUP_ROWS = 100_000
const GROUP_BYTES = 32 * 1024 * 1024

export interface ParquetOptions {
  /** Columns that stand first, even if no row has them. */
  readonly columns?: readonly string[] | undefined
}

/**
 * Makes a Parquet file of a JSON Lines file of objects. It reads the file twice: the first time for
 * the types of the columns. Nested values, and values of several types, become JSON. `readRows`
 * gives the same objects back.
 *
 * @throws {FileError} If the package hyparquet-writer is absent, or a file can't be read.
 * @throws {RowError} For a line that is no object.
 */
export async function jsonlToParquet(
  from: string,
  to: string,
  { columns }: ParquetOptions = {},
): Promise<void> {
  const { ByteWriter, ParquetWriter } = await loadWriter(to)
  const found = new Columns(columns)
  for await (const { record } of objectsOf(from)) found.add(record)
  const all = found.all()
  const absent = all.flatMap(({ name, absent }) => (absent === false ? [] : [[name, absent]]))
  const bytes = new ByteWriter()
  const file = openSync(to, 'w')
  const flush = (): void => {
    try {
      appendFileSync(file, bytes.getBytes())
    } catch (cause) {
      throw new Error(`${to} cannot be written: ${(cause as Error).message}`, { cause })
    }
    bytes.index = 0
  }
  try {
    const writer = new ParquetWriter({
      writer: bytes,
      schema: [{ name: 'root', num_children: all.length }, ...all.map(elementOf)],
      kvMetadata: [{ key: ABSENT, value: JSON.stringify(absent) }],
    })
    let group: Record<string, unknown>[] = []
    let size = 0
    const write = (): void => {
      const columnData = all.map(({ name, type }) => ({
        name,
        data: group.map((row) => cellOf(Object.hasOwn(row, name) ? row[name] : undefined, type)),
      }))
      void writer.write({ columnData, rowGroupSize: group.length })
      flush()
      group = []
      size = 0
    }
    for await (const { record, bytes: length } of objectsOf(from)) {
      group.push(record)
      size += length
      if (group.length === GROUP_ROWS || size > GROUP_BYTES) write()
    }
    if (group.length > 0) write()
    void writer.finish()
    flush()
  } finally {
    closeSync(file)
  }
}

/** @throws {FileError} If the package is absent. */
export async function checkParquetWriter(file: string): Promise<void> {
  await loadWriter(file)
}

function loadWriter(file: string) {
  return load('hyparquet-writer', import('hyparquet-writer'), file, 'Parquet')
}

async function* objectsOf(file: string): AsyncGenerator<{ record: Record<string, unknown>; bytes: number }> {
  let before = 0
  const options = { format: 'jsonl', exactNumbers: true, maxRecordBytes: Number.MAX_SAFE_INTEGER } as const
  for await (const row of readRows([file], options)) {
    if (row.error) throw row.error
    yield { record: row.record as Record<string, unknown>, bytes: row.end - before }
    before = row.end
  }
}

const types = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  boolean: { type: 'BOOLEAN' },
  integer: { type: 'INT64' },
  number: { type: 'DOUBLE' },
  json: { type: 'BYTE_ARRAY', converted_type: 'JSON', logical_type: { type: 'JSON' } },
} as const satisfies Record<ColumnType, object>

function elementOf({ name, type }: Column) {
  return { name, repetition_type: 'OPTIONAL', ...types[type] } as const
}
