import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DuckDBInstance } from '@duckdb/node-api'
import { parse } from 'csv-parse'
import papaparse from 'papaparse'
import { readRows } from 'llm-pack-stream/readers'
import { best, medianRatio } from './stats.ts'

const ROWS = 100_000
const ROUNDS = 5

/** A text with commas, quotes and a line break in each tenth row. */
const textOf = (i: number): string =>
  i % 10 === 0 ? `They said "no", and then\nsent me away (${i})` : `Where is my card, number ${i}? I need it`

/** Reads a file, and returns its number of rows. */
type Reader = (file: string) => Promise<number>

async function count(rows: AsyncIterable<unknown>): Promise<number> {
  let number = 0
  for await (const row of rows) if (row !== undefined) number++
  return number
}

const ours: Reader = (file) => count(readRows([file]))

const selected: Reader = (file) => count(readRows([file], { select: 'data.items' }))

const csvParse =
  (delimiter: string): Reader =>
  (file) =>
    count(
      createReadStream(file).pipe(parse({ columns: true, delimiter, quote: delimiter === ',' ? '"' : null })),
    )

const papa: Reader = (file) =>
  count(createReadStream(file).pipe(papaparse.parse(papaparse.NODE_STREAM_INPUT, { header: true })))

const jsonParse: Reader = async (file) => {
  let number = 0
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (JSON.parse(line) !== null) number++
  }
  return number
}

/** DuckDB makes a JavaScript object of each row too. */
const duckdb =
  (call: string): Reader =>
  async (file) => {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
    const connection = await instance.connect()
    const result = await connection.stream(`SELECT * FROM ${call.replace('FILE', `'${file}'`)}`)
    let number = 0
    for await (const rows of result.yieldRowObjectJs()) number += rows.length
    connection.closeSync()
    instance.closeSync()
    return number
  }

interface Format {
  readonly name: string
  readonly content: () => string
  readonly readers: Readonly<Record<string, Reader>>
}

const items = () => Array.from({ length: ROWS }, (_, i) => ({ id: `${i}`, text: textOf(i) }))
const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

const formats: readonly Format[] = [
  {
    name: 'rows.csv',
    content: () =>
      `id,text\n${items()
        .map(({ id, text }) => `${id},${quoted(text)}\n`)
        .join('')}`,
    readers: {
      readRows: ours,
      'csv-parse': csvParse(','),
      papaparse: papa,
      duckdb: duckdb("read_csv(FILE, header = true, all_varchar = true, delim = ',')"),
    },
  },
  {
    name: 'rows.tsv',
    content: () =>
      `id\ttext\n${items()
        .map(({ id, text }) => `${id}\t${text.replaceAll('\n', ' ')}\n`)
        .join('')}`,
    readers: {
      readRows: ours,
      'csv-parse': csvParse('\t'),
      duckdb: duckdb("read_csv(FILE, header = true, all_varchar = true, delim = '\t', quote = '')"),
    },
  },
  {
    name: 'rows.jsonl',
    content: () =>
      items()
        .map((item) => `${JSON.stringify(item)}\n`)
        .join(''),
    readers: { readRows: ours, 'readline, JSON.parse': jsonParse, duckdb: duckdb('read_ndjson(FILE)') },
  },
  {
    name: 'rows.json',
    content: () => JSON.stringify(items()),
    readers: { readRows: ours, duckdb: duckdb('read_json(FILE)') },
  },
  {
    name: 'select.json',
    content: () => JSON.stringify({ next: null, data: { items: items() } }),
    readers: { '--select': selected },
  },
]

/** How many rows a second are read of each format, beside other readers of the same file. */
export async function reading(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'reading-'))
  try {
    for (const { name, content, readers } of formats) {
      const file = join(folder, name)
      writeFileSync(file, content())
      const costs = Object.keys(readers).map((): number[] => [])
      for (let round = 0; round < ROUNDS; round++) {
        for (const [at, read] of Object.values(readers).entries()) {
          const before = performance.now()
          const rows = await read(file)
          if (rows !== ROWS) throw new Error(`${Object.keys(readers)[at]} read ${rows} rows of ${ROWS}`)
          costs[at]?.push((performance.now() - before) / 1_000)
        }
      }
      console.log(`\nreading: ${name}, ${ROWS.toLocaleString('en')} rows`)
      for (const [at, reader] of Object.keys(readers).entries()) {
        const [own = [], first = []] = [costs[at], costs[0]]
        const rate = Math.round(ROWS / best(own)).toLocaleString('en')
        console.log(
          `${reader.padStart(21)}: ${rate.padStart(9)} rows/s = ${medianRatio(first, own).toFixed(2)}`,
        )
      }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
