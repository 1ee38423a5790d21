// npm run banking77 -- path/to/train.csv [records] [--eval [flags of `llm-pack-stream eval`]]
//
// Labels the real queries of Banking77 (77 labels). The file belongs to PolyAI (CC BY 4.0):
// https://github.com/PolyAI-LDN/task-specific-datasets, banking_data/train.csv.
import { createReadStream, mkdirSync, writeFileSync } from 'node:fs'
import { parse } from 'csv-parse'
import { compare } from '../src/cli/demo/compare.ts'
import type { Labelled } from '../src/cli/demo/labelled.ts'
import { runCli } from '../src/cli/run-cli.ts'

const [path, limit = '300', eval_, ...flags] = process.argv.slice(2)
if (path === undefined || !(Number(limit) > 0) || (eval_ !== undefined && eval_ !== '--eval')) {
  console.error('Usage: npm run banking77 -- path/to/train.csv [how many records, default 300] [--eval]')
  process.exit(2)
}

const rows = createReadStream(path).pipe(parse({ columns: true }))
const all: Labelled[] = []
for await (const { text, category } of rows as AsyncIterable<{ text?: string; category?: string }>) {
  if (text === undefined || category === undefined)
    throw new Error(`Expected columns text and category in ${path}`)
  all.push({ text, label: category })
}
const labels = [...new Set(all.map(({ label }) => label))].sort()
const instructions = 'Categorise each query of a customer of a bank.'
process.exitCode = eval_ ? await evalPacks(path) : await comparePacks()

function comparePacks(): Promise<number> {
  // The file is sorted by label. A sample at even steps has all labels.
  const step = Math.max(1, all.length / Number(limit))
  const records = all.filter((_, i) => Math.floor((i + 1) / step) > Math.floor(i / step))
  return compare({ records, labels, instructions }, {}, process)
}

/** Asks the notebook's question: what do packs of 60 lose? All files are in one folder. */
function evalPacks(data: string): Promise<number> {
  const { OPENAI_API_KEY: key, OPENAI_BASE_URL: server, OPENAI_MODEL: model = 'gpt-4o-mini' } = process.env
  const folder = 'banking77-eval'
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/labels.txt`, `${labels.join('\n')}\n`)
  // For the simulator: as often right as the notebook's model, in packs of any size.
  writeFileSync(`${folder}/quality.json`, '{ "accuracy": 0.68, "noise": 0.02 }\n')
  const pace = ['--time-to-first-token', '100', '--output-tokens-per-second', '400']
  const simulator = ['--simulate', '--quality', `${folder}/quality.json`, ...pace]
  return runCli(
    [
      ...['eval', data, '--gold', 'category', '--field', 'text', '--labels', `${folder}/labels.txt`],
      ...['--prompt', instructions, '--model', model, '--sample', limit, '--sizes', '1,10,25,60'],
      ...['--output', `${folder}/answers.jsonl`, '--report', `${folder}/report.html`],
      ...(key || server ? [] : simulator),
      ...flags,
    ],
    process,
  )
}
