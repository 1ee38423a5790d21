import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, type Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import {
  csvHeader,
  csvLine,
  isFormula,
  jsonlLine,
  jsonlToParquet,
  readRows,
  unescapeFormula,
  writeCsv,
  writeJson,
  writeOutcomes,
} from 'llm-pack-stream/readers'
import { runs } from '../helpers/properties.ts'
import { jsonl } from '../helpers/cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-out-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
const file = (name: string): string => join(folder, name)
const written = async (values: readonly unknown[], writer: Transform): Promise<string> =>
  (await buffer(Readable.from(values).pipe(writer))).toString()

describe('Parquet', () => {
  async function roundTrip(lines: string): Promise<string> {
    writeFileSync(file('rows.jsonl'), lines)
    await jsonlToParquet(file('rows.jsonl'), file('rows.parquet'))
    let all = ''
    for await (const { record } of readRows([file('rows.parquet')], { exactNumbers: true }))
      all += jsonlLine(record)
    return all
  }

  it('gives back the same rows, with exact numbers, nulls and absent properties', async () => {
    const lines = `{"id":9007199254740993,"text":"a","n":1.5,"mixed":"x","o":{"a":[1,12345678901234567890]},"b":true,"d":1234567890123456789.5,"nul":null,"__proto__":"p"}
{"id":2,"text":"b","n":2,"mixed":5,"o":[],"b":null,"nul":null,"__proto__":"q"}
{"id":-9223372036854775808,"text":"ü","n":-0.5,"mixed":false,"o":null,"nul":null}
`
    expect(await roundTrip(lines)).toBe(lines)
  })

  it('gives back any rows', async () => {
    const value = fc.oneof(
      ...[fc.string({ unit: 'grapheme' }), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })],
      ...[fc.boolean(), fc.constant(null), fc.jsonValue()],
    )
    const keys = fc.constantFrom('a', 'b', 'c', '__proto__', 'ü x')
    const sorted = (line: string) =>
      JSON.stringify(Object.entries(JSON.parse(line) as object).sort(([a], [b]) => (a < b ? -1 : 1)))
    const parts = (lines: string) => lines.split('\n').slice(0, -1).map(sorted)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(keys, value, { noNullPrototype: true, minKeys: 1 }), { minLength: 1 }),
        async (rows) => {
          const lines = jsonl(rows)
          expect(parts(await roundTrip(lines))).toEqual(parts(lines))
        },
      ),
      { numRuns: runs(200) },
    )
  })

  it('is read by duckdb, with the types of the values', async () => {
    const rows = Array.from({ length: 1_000 }, (_, i) => ({
      ...{ id: i, text: `row ${i}`, score: i / 8, tags: ['a', i], nothing: null },
      ...(i % 10 === 0 ? { late: true } : {}),
      // As a label that may be null, in a run that rejected some rows.
      ...(i % 7 === 3 ? {} : { label: i % 3 === 0 ? null : 'a' }),
    }))
    writeFileSync(file('rows.jsonl'), jsonl(rows))
    await jsonlToParquet(file('rows.jsonl'), file('duck.parquet'))
    const connection = await (await DuckDBInstance.create()).connect()
    const query = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson()
    const from = `FROM '${file('duck.parquet')}'`
    expect(await query(`SELECT column_type FROM (DESCRIBE SELECT * ${from})`)).toEqual([
      ...[['BIGINT'], ['VARCHAR'], ['DOUBLE'], ['JSON'], ['VARCHAR'], ['BOOLEAN'], ['VARCHAR']],
    ])
    expect(
      await query(`SELECT count(*), sum(id), sum(score), count(late), max(tags->>1), max(text) ${from}`),
    ).toEqual([['1000', '499500', 62437.5, '100', '999', 'row 999']])
    connection.closeSync()
    expect(
      await readRows([file('duck.parquet')])
        .map(({ record }) => record as unknown)
        .toArray(),
    ).toEqual(rows)
  })

  it('has the given columns without a row', async () => {
    writeFileSync(file('none.jsonl'), '')
    await jsonlToParquet(file('none.jsonl'), file('none.parquet'), { columns: ['text', 'label'] })
    const rows = readRows([file('none.parquet')])
    expect(await rows.toArray()).toEqual([])
    expect(rows.columns).toEqual(['text', 'label'])
  })
})

describe('a JSON array', () => {
  it('has a value on each line', async () => {
    expect(await written([{ a: 1 }, 'x'], writeJson())).toBe('[\n{"a":1},\n"x"\n]\n')
    expect(await written([], writeJson())).toBe('[]\n')
    const outcome = { status: 'fulfilled', index: 0, record: 'card', value: { label: 'a' } }
    expect(await written([outcome], writeOutcomes({ format: 'json' }))).toBe(
      '[\n{"text":"card","label":"a","_index":0}\n]\n',
    )
  })

  it('does not look complete after an error', async () => {
    const writer = writeJson()
    let all = ''
    writer.on('data', (chunk: Buffer) => (all += chunk.toString()))
    await expect(written([{ a: 1 }, () => 1], writer)).rejects.toThrow('Expected a value that JSON has')
    expect(all).toBe('[\n{"a":1}')
  })
})

describe('values without a JSON form', () => {
  it('writes sets and maps as arrays, at any depth', () => {
    const value = { tags: new Set(['a', new Map([['k', new Set([1n])]])]), none: {}, gone: undefined }
    expect(jsonlLine(value)).toBe('{"tags":["a",[["k",["1"]]]],"none":{}}\n')
    expect(jsonlLine(new Set())).toBe('[]\n')
    expect(csvLine({ a: new Set(['x']), b: new Map() }, ['a', 'b'])).toBe('"[""x""]",[]\n')
  })

  it.each([
    ['RegExp', /x/],
    ['Error', [new Error('x')]],
    ['Promise', { a: Promise.resolve() }],
    ['WeakMap', { a: { b: new WeakMap() } }],
  ])('refuses a %s', (kind, value) => {
    expect(() => jsonlLine({ value })).toThrow(`Expected a value that JSON has, got a ${kind}`)
  })

  it('keeps everything else that is empty', () => {
    expect(jsonlLine([{}, Object.create(null), new Date(0), JSON.parse('{}')])).toBe(
      '[{},{},"1970-01-01T00:00:00.000Z",{}]\n',
    )
  })
})

describe('formulas in a table', () => {
  it.each(['=1+2', '+1+2', '-1-2', '@SUM(A1)', '\t=1', '\r=1', '-', '-x', '＝1'])(
    '%j is a formula',
    (cell) => {
      expect(isFormula(cell)).toBe(true)
    },
  )

  it.each(['-5', '+1.5', '-1,234.50', '-1e-5', '+.5', '-12%', 'a=1', '', ' =1', "'=1"])(
    '%j is no formula',
    (cell) => {
      expect(isFormula(cell)).toBe(false)
    },
  )

  it('get a sign before them, which the reader takes away again', () => {
    const cells = fc.oneof(
      fc.string(),
      fc
        .tuple(fc.constantFrom('', "'", "''"), fc.constantFrom('=', '-', '+', '@', '-5', '=1'))
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(cells, (cell) => {
        const [written = ''] = csvLine({ a: cell }, ['a'], ';', true).split(/\n$/)
        const field = written.startsWith('"') ? written.slice(1, -1).replaceAll('""', '"') : written
        expect(isFormula(field)).toBe(false)
        expect(unescapeFormula(field)).toBe(cell)
      }),
    )
    expect(csvHeader(['=a', 'b'], ',', true)).toBe("'=a,b\n")
  })

  it('a writer with a byte order mark, a delimiter and escaped formulas', async () => {
    const options = { bom: true, delimiter: ';', escapeFormulas: true }
    expect(await written([{ a: '=1', b: -5 }], writeCsv(options))).toBe("\ufeffa;b;_more\n'=1;-5;\n")
    const outcome = { status: 'fulfilled', index: 0, record: '@x', value: { label: 'a' } }
    expect(await written([outcome], writeOutcomes({ ...options, format: 'csv' }))).toBe(
      "\ufefftext;label;_index;_error;_more\n'@x;a;0;;\n",
    )
  })
})

describe('a table without a row', () => {
  it.each(['id,text\n', 'id,text', '\ufeffid,text\r\n'])('%j has its columns', async (content) => {
    writeFileSync(file('header.csv'), content)
    const rows = readRows([file('header.csv')])
    expect(await rows.toArray()).toEqual([])
    expect(rows.columns).toEqual(['id', 'text'])
    expect(readFileSync(file('header.csv'), 'utf8')).toBe(content)
  })
})
