import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { writeXlsx } from 'hucre/xlsx'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { jsonlToParquet, readRows, type ReadOptions, type Row } from 'llm-pack-stream/readers'
import { atOnce, parseLines, Workplace } from '../helpers/cli.ts'
import { short } from '../files/rows-of.ts'

const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-tables-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
const place = (name: string): string => join(folder, name)
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../files/read/fixtures/${name}`, import.meta.url))

async function read(file: string, options?: ReadOptions): Promise<{ rows: Row[]; notes: string[] }> {
  const rows: Row[] = []
  const notes: string[] = []
  for await (const row of readRows([file], { ...options, onNote: (note) => notes.push(note) })) rows.push(row)
  return { rows, notes }
}
const shortOf = async (...args: Parameters<typeof read>): Promise<string[]> =>
  (await read(...args)).rows.map(short)

describe('a row of more than maxRecordBytes', () => {
  const texts = ['short', `long é\n${'x'.repeat(300)}`, '\u0001'.repeat(20)]
  const records = texts.map((text, i) => ({ id: String(i), text }))
  const [, long] = records
  const query = `sqlite:${place('rows.db')}?query=SELECT * FROM t`
  beforeAll(async () => {
    writeFileSync(place('rows.jsonl'), records.map((one) => `${JSON.stringify(one)}\n`).join(''))
    await jsonlToParquet(place('rows.jsonl'), place('rows.parquet'))
    const lists = records.map(({ id, text }) => `${JSON.stringify({ id, words: [text, { text }] })}\n`)
    writeFileSync(place('lists.jsonl'), lists.join(''))
    await jsonlToParquet(place('lists.jsonl'), place('lists.parquet'))
    const rows = [['id', 'text'], ...records.map(({ id, text }) => [id, text])]
    writeFileSync(place('rows.xlsx'), await writeXlsx({ sheets: [{ name: 'S', rows }] }))
    const database = new DatabaseSync(place('rows.db'))
    database.exec('CREATE TABLE t (id TEXT, text TEXT)')
    for (const { id, text } of records) database.prepare('INSERT INTO t VALUES (?, ?)').run(id, text)
    database.close()
  })

  const size = Buffer.byteLength(JSON.stringify(long))
  it.each([
    ['JSON Lines', place('rows.jsonl'), place('rows.jsonl'), 1],
    ['Parquet', place('rows.parquet'), place('rows.parquet'), 1],
    ['XLSX', place('rows.xlsx'), place('rows.xlsx'), 2],
    ['SQLite', query, `sqlite:${place('rows.db')}`, 1],
  ])(
    '%s: is a bad row by the size of its JSON, and the other rows are read',
    async (_, file, name, first) => {
      const { rows } = await read(file, { maxRecordBytes: size - 1 })
      expect(rows.map((row) => row.record)).toEqual([records[0], undefined, records[2]])
      expect(rows[1]).toMatchObject({ file: name, line: first + 1, raw: undefined })
      expect(rows[1]?.error).toMatchObject({
        code: 'too_long',
        message: `${name}:${first + 1}: expected at most ${size - 1} bytes (maxRecordBytes), got ${size}`,
      })
      expect((await read(file, { maxRecordBytes: size })).rows.map((row) => row.record)).toEqual(records)
    },
  )

  it('may have values within values, or a wrong number of cells', async () => {
    expect((await shortOf(place('lists.parquet'), { maxRecordBytes: 600 }))[1]).toBe('2: too_long nothing')
    expect((await shortOf(place('lists.parquet'), { maxRecordBytes: 700 }))[1]).toContain('2: {"id":"1"')
    const rows = [['text'], ['a', 'x'.repeat(20)], ['b', 'c']]
    writeFileSync(place('cells.xlsx'), await writeXlsx({ sheets: [{ name: 'S', rows }] }))
    const expected = ['2: too_long nothing', String.raw`3: wrong_column_count "b\tc"`]
    expect(await shortOf(place('cells.xlsx'), { maxRecordBytes: 20 })).toEqual(expected)
  })

  test('a run rejects it, and sends the others', async () => {
    using work = new Workplace()
    const flags = ['--field', 'text', '--max-record-bytes', '200', ...atOnce]
    const { code, stdout } = await work.run([...work.job([place('rows.parquet')]), ...flags])
    const rows = parseLines(stdout)
    expect({ code, labels: rows.filter((row) => 'label' in row).length }).toEqual({ code: 1, labels: 2 })
    const what = `rows.parquet:2: expected at most 200 bytes (maxRecordBytes), got ${size}`
    expect(stdout).toContain(what)
  })
})

describe('a workbook of openpyxl', () => {
  const file = fixture('odd-sheets.xlsx')
  it('gives the first sheet that is not hidden and is no chart, and says so', async () => {
    const { rows, notes } = await read(file)
    expect(rows.map(short)).toEqual([
      '2: {"group":"A","text":"Where is my card?","n":"1"}',
      '3: {"group":"","text":"What a fee!","n":"2"}',
      '4: {"group":"B","text":"both","n":""}',
    ])
    const note = 'of its 7 sheets, "Merged" is read: the first that is not hidden (`sheet`)'
    expect(notes).toEqual([`${file}: ${note}`])
  })

  it.each([
    ['Lists', ['2: {"a":"hidden"}']],
    ['Secret', ['2: {"s":"x"}']],
    ['Empty', []],
    ['Header only', []],
    [
      'Dates',
      [
        '2: {"date":"2024-02-29","datetime":"2024-02-29T12:30:01.500","time":"01:02:03","duration":"05:00:00","custom":"2024-02-29T06:00:00"}',
      ],
    ],
    ['Errors', ['2: {"a":"#DIV/0!","b":"#REF!","c":"#N/A","d":"#VALUE!"}']],
  ])('gives the sheet %s by its name, without a word', async (sheet, expected) => {
    const { rows, notes } = await read(file, { sheet })
    expect({ rows: rows.map(short), notes }).toEqual({ rows: expected, notes: [] })
  })

  it('has no rows in a chart', async () => {
    await expect(read(file, { sheet: 'Chart' })).rejects.toThrow(
      'there is no sheet "Chart"; there are: "Lists"',
    )
  })

  test('a run names the sheet, and keeps the columns of a sheet without rows', async () => {
    using work = new Workplace()
    const run = (...flags: string[]) =>
      work.run([...work.job([file]), '--field', 'text', ...flags, ...atOnce])
    const named = 'of its 7 sheets, "Merged" is read: the first that is not hidden (--sheet)'
    expect((await run()).stderr).toContain(named)
    expect(await run('--sheet', 'Header only', '-o', 'out.csv')).toMatchObject({ code: 0 })
    expect(work.read('out.csv')).toMatch(/^id,text,/)
    expect(await run('--sheet', 'Empty', '-o', 'empty.jsonl')).toMatchObject({ code: 0 })
  })
})

it('a workbook of XlsxWriter gives the saved values of its formulas', async () => {
  expect(await shortOf(fixture('formulas.xlsx'))).toEqual([
    '2: {"n":"2","text":"ab","err":"#DIV/0!","bool":"TRUE","empty":"","date":"2024-02-29"}',
    '3: {"n":"7","text":"","err":"","bool":"","empty":"","date":""}',
    '4: {"n":"8","text":"","err":"","bool":"","empty":"","date":""}',
  ])
})

describe('an SQLite file', () => {
  const file = place('shop.db')
  const database = new DatabaseSync(file)
  afterAll(() => {
    database.close()
  })
  database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER, photo BLOB);
    CREATE VIEW v AS SELECT id * 2 AS twice, photo FROM t;
    INSERT INTO t VALUES (1, x'00ff10'), (2, zeroblob(3)), (3, x'')`)

  it('with a write-ahead log gives the rows that are only there, of a view and with blobs too', async () => {
    expect(await shortOf(`sqlite:${file}?query=SELECT * FROM v`)).toEqual([
      '1: {"twice":2,"photo":"AP8Q"}',
      '2: {"twice":4,"photo":"AAAA"}',
      '3: {"twice":6,"photo":""}',
    ])
  })

  it('that another program locks for a moment is read after it', async () => {
    new DatabaseSync(place('locked.db')).exec('CREATE TABLE t AS SELECT 1 AS a')
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads')
       const database = new (require('node:sqlite').DatabaseSync)(workerData)
       database.exec('BEGIN EXCLUSIVE; INSERT INTO t VALUES (2)')
       parentPort.postMessage('locked')
       setTimeout(() => database.exec('COMMIT'), 100)`,
      { eval: true, workerData: place('locked.db') },
    )
    await once(worker, 'message')
    expect(await shortOf(`sqlite:${place('locked.db')}?query=SELECT a FROM t`)).toEqual([
      '1: {"a":1}',
      '2: {"a":2}',
    ])
    await worker.terminate()
  })
})

it.each([
  ['zero.parquet', '', 'it is not Parquet, or damaged: it is too short'],
  ['zero.xlsx', '', "it can't be read as XLSX: it is empty"],
  ['short.xlsx', 'PK', "it can't be read as XLSX: it is no ZIP file"],
  ['cut.xlsx', 'PK\x03\x04\x14', "it can't be read as XLSX: it is cut off"],
  ['text.xlsx', 'id,text\n1,a\n', "it can't be read as XLSX: it is no ZIP file"],
])('%s is named with what is wrong', async (name, content, what) => {
  writeFileSync(place(name), content)
  await expect(read(place(name))).rejects.toThrow(`${place(name)}: ${what}`)
})
