import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { isSource, readRows, type ReadOptions } from 'llm-pack-stream/readers'

const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-sqlite-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
const file = join(folder, 'what? a name.db')
const database = new DatabaseSync(file)
database.exec(`CREATE TABLE tickets (id INTEGER, text TEXT, photo BLOB, score REAL);
  INSERT INTO tickets VALUES (9007199254740993, 'my card', x'00ff', 1.5), (-1, NULL, NULL, 9e999)`)
database.close()

async function read(query: string, options: ReadOptions = { exactNumbers: true }, from = file) {
  const rows: { place: string; json: string; columns: readonly string[] | undefined }[] = []
  for await (const row of readRows([`sqlite:${from}?query=${query}`], options)) {
    if (row.error) throw row.error
    rows.push({ place: `${row.file}:${row.line}`, json: JSON.stringify(row.record), columns: row.columns })
  }
  return rows
}

describe('a query', () => {
  it('gives its rows as JSON values, with exact integers', async () => {
    expect(await read('SELECT * FROM tickets')).toEqual([
      {
        place: `sqlite:${file}:1`,
        json: '{"id":9007199254740993,"text":"my card","photo":"AP8=","score":1.5}',
        columns: ['id', 'text', 'photo', 'score'],
      },
      {
        place: `sqlite:${file}:2`,
        json: '{"id":-1,"text":null,"photo":null,"score":"Infinity"}',
        columns: ['id', 'text', 'photo', 'score'],
      },
    ])
    expect((await read('SELECT id FROM tickets', {}))[0]?.json).toBe('{"id":9007199254740992}')
  })

  it('keeps columns with the same name, and a format for other files', async () => {
    const [row] = await read('SELECT 1 AS a, 2 AS a, 3 AS a_1', { format: 'csv' })
    expect(row?.json).toBe('{"a":1,"a_2":2,"a_1":3}')
  })

  it('may have a question mark, an equals sign and several lines', async () => {
    expect(await read("SELECT '?query=' AS a\n WHERE 1 = 1")).toMatchObject([{ json: '{"a":"?query="}' }])
  })

  it('makes only the rows that are read', async () => {
    const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n'
    const rows = readRows([`sqlite:${file}?query=${endless}`])
    let sum = 0
    for await (const { record } of rows) {
      const { i } = record as { i: number }
      sum += i
      if (i === 2_000) break
    }
    expect(sum).toBe(2_001_000)
    expect(rows.bytesTotal).toBeUndefined()
  })
})

describe('a query that cannot be read', () => {
  it.each([
    ['SELECT nope FROM tickets', 'no such column: nope'],
    ['DELETE FROM tickets', 'expected a query with a result, such as SELECT'],
    ['DELETE FROM tickets RETURNING id', 'attempt to write a readonly database'],
    ["SELECT json(id || 'x') FROM tickets", 'malformed JSON'],
  ])('%s', async (query, what) => {
    await expect(read(query)).rejects.toThrow(`sqlite:${file}: ${what}`)
  })

  it('names a file that is not there, or is no database', async () => {
    await expect(read('SELECT 1', {}, 'absent.db')).rejects.toThrow('sqlite:absent.db: it does not exist')
    const text = join(folder, 'text.db')
    writeFileSync(text, 'a,b\n'.repeat(1_000))
    await expect(read('SELECT * FROM t', {}, text)).rejects.toThrow(`sqlite:${text}: file is not a database`)
  })

  it('is no source without a query', () => {
    expect(
      ['sqlite:a.db', 'sqlite:a.db?query= ', 'a.db?query=SELECT 1', 'sqlite:?query=SELECT 1'].map(isSource),
    ).toEqual([...[false, false, false, false]])
  })
})
