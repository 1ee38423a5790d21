import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DuckDBInstance } from '@duckdb/node-api'
import { stringify } from 'csv-stringify/sync'
import papaparse from 'papaparse'
import { csvLine, jsonlLine, jsonlToParquet, readRows } from 'llm-pack-stream/readers'
import { best, medianRatio } from './stats.ts'

const ROWS = 100_000
const ROUNDS = 3
const COLUMNS = ['id', 'text', 'label', '_index']

type Job = () => unknown

async function duck(sql: string): Promise<number> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  const result = await connection.stream(sql)
  let number = 0
  for await (const rows of result.yieldRowObjectJs()) number += rows.length
  connection.closeSync()
  instance.closeSync()
  return number
}

async function count(file: string): Promise<number> {
  let number = 0
  for await (const row of readRows([file])) if (!row.error) number += 1
  return number
}

/** How many rows a second are written as each format, and read of Parquet and SQLite. */
export async function writing(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'writing-'))
  const [lines, parquet, sqlite] = ['rows.jsonl', 'rows.parquet', 'rows.db'].map((name) => join(folder, name))
  if (!lines || !parquet || !sqlite) return
  const rows = Array.from({ length: ROWS }, (_, i) => ({
    ...{ id: i, text: `ticket ${i}: where is my card, and why, "again"?`, label: 'card', _index: i },
  }))
  try {
    writeFileSync(lines, rows.map(jsonlLine).join(''))
    await jsonlToParquet(lines, parquet)
    const database = new DatabaseSync(sqlite)
    database.exec('CREATE TABLE t (id INTEGER, text TEXT, label TEXT, _index INTEGER); BEGIN')
    const insert = database.prepare('INSERT INTO t VALUES (?, ?, ?, ?)')
    for (const { id, text, label, _index } of rows) insert.run(id, text, label, _index)
    database.exec('COMMIT')
    const jobs: Record<string, Record<string, Job>> = {
      'write JSON lines': {
        jsonlLine: () => rows.map(jsonlLine).join(''),
        'JSON.stringify': () => rows.map((row) => JSON.stringify(row)).join('\n'),
      },
      'write CSV': {
        csvLine: () => rows.map((row) => csvLine(row, COLUMNS)).join(''),
        'csv-stringify, whole': () => stringify(rows, { columns: COLUMNS }),
        'papaparse, whole': () => papaparse.unparse(rows),
      },
      'JSON lines to Parquet': {
        jsonlToParquet: () => jsonlToParquet(lines, parquet),
        duckdb: () => duck(`COPY (SELECT * FROM read_json('${lines}')) TO '${parquet}-2' (FORMAT parquet)`),
      },
      'read Parquet': {
        readRows: () => count(parquet),
        duckdb: () => duck(`SELECT * FROM '${parquet}'`),
      },
      'read SQLite': {
        readRows: () => count(`sqlite:${sqlite}?query=SELECT * FROM t`),
        'node:sqlite, all': () => database.prepare('SELECT * FROM t').all().length,
      },
    }
    for (const [name, ways] of Object.entries(jobs)) {
      const costs = Object.keys(ways).map((): number[] => [])
      for (let round = 0; round < ROUNDS; round++) {
        for (const [at, work] of Object.values(ways).entries()) {
          const before = performance.now()
          await work()
          costs[at]?.push((performance.now() - before) / 1_000)
        }
      }
      console.log(`\nwriting: ${name}, ${ROWS.toLocaleString('en')} rows`)
      for (const [at, way] of Object.keys(ways).entries()) {
        const [own = [], first = []] = [costs[at], costs[0]]
        const rate = Math.round(ROWS / best(own)).toLocaleString('en')
        console.log(`${way.padStart(21)}: ${rate.padStart(9)} rows/s = ${medianRatio(first, own).toFixed(2)}`)
      }
    }
    database.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
}
