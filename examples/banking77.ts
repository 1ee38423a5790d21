// npm run banking77 -- path/to/train.csv [records]
//
// Labels the real queries of Banking77 (77 labels). The file belongs to PolyAI (CC BY 4.0):
// https://github.com/PolyAI-LDN/task-specific-datasets, banking_data/train.csv.
import { createReadStream } from 'node:fs'
import { parse } from 'csv-parse'
import { compare } from '../src/cli/demo/compare.ts'
import type { Labelled } from '../src/cli/demo/labelled.ts'

const [path, limit = '300'] = process.argv.slice(2)
if (path === undefined || !(Number(limit) > 0)) {
  console.error('Usage: npm run banking77 -- path/to/train.csv [how many records, default 300]')
  process.exit(2)
}

const rows = createReadStream(path).pipe(parse({ columns: true }))
const all: Labelled[] = []
for await (const { text, category } of rows as AsyncIterable<{ text?: string; category?: string }>) {
  if (text === undefined || category === undefined)
    throw new Error(`Expected columns text and category in ${path}`)
  all.push({ text, label: category })
}

// The file is sorted by label. A sample at even steps has all labels.
const step = Math.max(1, all.length / Number(limit))
const sample = all.filter((_, i) => Math.floor((i + 1) / step) > Math.floor(i / step))
const labels = [...new Set(all.map(({ label }) => label))].sort()
const instructions = 'Categorise each query of a customer of a bank.'
process.exitCode = await compare({ records: sample, labels, instructions }, {}, process)
