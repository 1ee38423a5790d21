import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readRows, type FileError, type ReadOptions } from 'llm-pack-stream/readers'

const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-parquet-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))

async function records(file: string, options: ReadOptions = { exactNumbers: true }): Promise<unknown[]> {
  const all: unknown[] = []
  for await (const { record } of readRows([file], options)) all.push(record)
  return all
}

async function failure(file: string, options?: ReadOptions): Promise<FileError> {
  return records(file, options).then(
    () => {
      throw new Error('It did not fail')
    },
    (error: unknown) => error as FileError,
  )
}

const json = (values: readonly unknown[]): string[] => values.map((value) => JSON.stringify(value))

describe('a file of pyarrow', () => {
  it('keeps each type as a JSON value', async () => {
    expect(json(await records(fixture('types.parquet')))).toEqual([
      '{"id":1,"u64":1,"dec":1.1,"dec_small":0.1,"dec256":1.1,"text":"a","bin":"AP8=","fix":"YWI=","list":[1,2],"struct":{"a":1,"b":["x"]},"map":{"k":1,"l":2},"dmap":{"1.5":2.5},"ld":[1.5,null],"ls":[{"t":"2024-01-02T03:04:05.678901"}],"ts_naive":"2024-01-02T03:04:05.678901","ts_utc":"2024-01-02T03:04:05.678901Z","ts_ns":"2024-01-02T03:04:05.678901234","ts_ms":"2024-01-02T03:04:05.678","date":"2024-02-29","time":"01:02:03.000004","time32":"01:02:03.004","f32":0.1,"f64":0.1,"f16":0.0999755859375,"bool":true,"cat":"x","null":null,"__proto__":"p","i8":-1,"u32":4294967295}',
      '{"id":9007199254740993,"u64":18446744073709551615,"dec":12345678901234567.89,"dec_small":-3,"dec256":null,"text":"ü 😀","bin":"YWJj","fix":"Y2Q=","list":[],"struct":{"a":null,"b":null},"map":{},"dmap":{},"ld":[],"ls":[],"ts_naive":"1960-01-01T00:00:00","ts_utc":"1960-01-01T00:00:00Z","ts_ns":"1969-12-31T23:59:59.999999999","ts_ms":"1969-12-31T23:59:59.999","date":"1969-12-31","time":"23:59:59","time32":"23:59:59","f32":null,"f64":null,"f16":1.5,"bool":null,"cat":"y","null":null,"__proto__":"q","i8":2,"u32":2}',
      '{"id":-9223372036854775808,"u64":null,"dec":null,"dec_small":7.5,"dec256":-123456789012345678901234567890123456789012.5,"text":null,"bin":null,"fix":null,"list":null,"struct":null,"map":null,"dmap":null,"ld":null,"ls":null,"ts_naive":null,"ts_utc":null,"ts_ns":null,"ts_ms":null,"date":null,"time":null,"time32":null,"f32":"Infinity","f64":"-Infinity","f16":2,"bool":false,"cat":"x","null":null,"__proto__":"r","i8":null,"u32":null}',
    ])
  })

  it('takes the nearest numbers without exactNumbers', async () => {
    const [, second] = (await records(fixture('types.parquet'), {})) as Record<string, unknown>[]
    expect(second).toMatchObject({ id: 9007199254740992, dec: 12345678901234568 })
  })

  it('reads a column of nulls in LZ4', async () => {
    expect(await records(fixture('lz4.parquet'))).toEqual([
      { text: 'a', nothing: null },
      { text: 'b', nothing: null },
      { text: null, nothing: null },
    ])
  })

  it('reads the timestamps of old writers', async () => {
    expect(await records(fixture('int96.parquet'))).toEqual([
      { ts_utc: '2024-01-02T03:04:05.678901', text: 'a', struct: { a: 1, b: ['x'] }, list: [1, 2] },
      { ts_utc: '1960-01-01T00:00:00', text: 'ü 😀', struct: { a: null, b: null }, list: [] },
      { ts_utc: null, text: null, struct: null, list: null },
    ])
  })
})

describe('a file of duckdb', () => {
  const file = join(folder, 'of-duckdb.parquet')
  beforeAll(async () => {
    const connection = await (await DuckDBInstance.create()).connect()
    await connection.run(`COPY (
      SELECT i AS id, CASE WHEN i % 7 = 0 THEN NULL ELSE repeat('text ' || i, 200) END AS text, i / 8 AS half,
        INTERVAL (i) DAY AS wait, DATE '2024-01-01' + CAST(i AS INTEGER) AS day,
        uuid() AS uuid, i % 2 = 0 AS even, TIMESTAMP 'infinity' AS never
      FROM range(24000) t(i)) TO '${file}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480)`)
    connection.closeSync()
  })

  it('gives all rows of all row groups in order, with their numbers and columns', async () => {
    let expected = 0
    const rows = readRows([file])
    for await (const row of rows) {
      const { record, line, terminated } = row
      const { id, text, half, wait, day, uuid, even, never } = record as Record<string, unknown>
      const i = expected++
      if (id !== i || line !== i + 1) throw new Error(`row ${i}: got ${String(id)}, line ${line}`)
      if (text !== (i % 7 === 0 ? null : `text ${i}`.repeat(200)))
        throw new Error(`row ${i}: the text differs`)
      if (i !== 23_999) continue
      expect({ half, wait, day, even, never, terminated }).toEqual({
        ...{ half: 2999.875, wait: 'P0M23999DT0S', day: '2089-09-15', even: false, terminated: true },
        never: 9223372036854775807,
      })
      expect(uuid).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
      expect('columns' in row && row.columns).toEqual([
        'id',
        'text',
        'half',
        'wait',
        'day',
        'uuid',
        'even',
        'never',
      ])
    }
    expect(expected).toBe(24_000)
    expect(rows.bytesRead).toBe(rows.bytesTotal)
  })

  it('says how far it has read', async () => {
    const rows = readRows([file])
    for await (const { line } of rows) if (line === 12_001) break
    expect(rows.bytesRead / (rows.bytesTotal ?? 0)).toBeCloseTo(0.5, 1)
  })
})

describe('a file that cannot be read', () => {
  const whole = readFileSync(fixture('types.parquet'))

  it.each(Array.from({ length: 40 }, (_, i) => Math.floor((whole.length * i) / 40)))(
    'is cut at byte %i',
    async (end) => {
      const file = join(folder, 'cut.parquet')
      writeFileSync(file, whole.subarray(0, end))
      const error = await failure(file)
      expect(error.name).toBe('FileError')
      expect(error.message).toMatch(/cut\.parquet: it is not Parquet, or damaged: /)
    },
  )

  it('never crashes the reader for bytes that changed', async () => {
    const file = join(folder, 'changed.parquet')
    for (let at = 4; at < whole.length; at += 97) {
      const bytes = Buffer.from(whole)
      bytes[at] = (bytes[at] ?? 0) ^ 0xff
      writeFileSync(file, bytes)
      await records(file).catch((error: unknown) => {
        expect((error as Error).name).toBe('FileError')
      })
    }
  })

  it('is a pipe', async () => {
    const stdin = new PassThrough()
    const { message } = await failure('-', { format: 'parquet', stdin })
    expect(message).toBe(
      "stdin: Parquet can't be read from a pipe, because its index is at its end: save it as a file first",
    )
  })

  it('is a folder, is not there, or is compressed as a whole', async () => {
    expect((await failure(folder, { format: 'parquet' })).message).toMatch(/: it is a directory$/)
    expect((await failure('absent.parquet')).message).toBe('absent.parquet: it does not exist')
    expect((await failure('a.parquet.gz')).message).toBe(
      'a.parquet.gz: expected a file without gzip: decompress it first',
    )
  })
})
