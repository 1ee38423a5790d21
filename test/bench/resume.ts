import { once } from 'node:events'
import { createWriteStream, statSync } from 'node:fs'
import { join } from 'node:path'
import { HashCounts } from '../../src/cli/run/resume/hash-counts.ts'
import { Identifier } from '../../src/cli/rows/identity.ts'
import { atOnce, startCli, Workplace } from '../helpers/cli.ts'
import { watchMemory } from '../helpers/watch-memory.ts'

/** Number of rows, or as `RECORDS` says. */
const ROWS = Number(process.env['RECORDS'] ?? 10_000_000)
/** Records that the second run has to ask. */
const LEFT = 3
const labels = ['shipping', 'returns', 'payments']
const textOf = (index: number) => `Message ${index} is about ${labels[index % 3] ?? ''}`

/**
 * What it takes to continue an output of 10,000,000 rows: the time until all records of the input
 * are found in it, and the memory. Each row has an id and a text.
 */
export async function resume(): Promise<void> {
  using place = new Workplace()
  const [input, output] = [join(place.path, 'in.csv'), join(place.path, 'out.jsonl')]
  await write(input, 'id,text\n', ROWS, (i) => `${i},${textOf(i)}\n`)
  const args = [...place.job(['in.csv']), '--field', 'text', '-o', 'out.jsonl', ...atOnce]
  const first = await startCli([...args, '--limit', '1'], { cwd: place.path }).ended
  if (first.code !== 0) throw new Error(first.stderr)
  await write(output, '', ROWS - LEFT, (i) =>
    JSON.stringify({ id: `${i}`, text: textOf(i), label: labels[i % 3], _index: i }).concat('\n'),
  )
  const size = (path: string) => `${Math.round(statSync(path).size / 1e6)} MB`
  console.log(`\nresume: ${ROWS} rows, an input of ${size(input)}, an output of ${size(output)}`)
  console.log(`the hashes of all records: ${countAll()}`)
  for (const [name, flags] of [
    ['by all columns', []],
    ['by a key', ['--key', 'id']],
  ] as const) {
    const began = performance.now()
    const { child, ended } = startCli([...args, '--json', ...flags], { cwd: place.path })
    const memory = await watchMemory(child.pid ?? 0, ended, 200)
    const { code, stdout, stderr } = await ended
    if (code !== 0) throw new Error(stderr)
    const { records } = JSON.parse(stdout) as { records: { done: number; earlier: number } }
    const seconds = ((performance.now() - began) / 1_000).toFixed(0)
    console.log(`${name}: ${seconds} s, at most ${memory?.peak ?? '?'} MB; ${JSON.stringify(records)}`)
    await write(output, '', ROWS - LEFT, (i) =>
      JSON.stringify({ id: `${i}`, text: textOf(i), label: labels[i % 3], _index: i }).concat('\n'),
    )
  }
}

function countAll(): string {
  const identifier = new Identifier()
  const counts = new HashCounts()
  const began = performance.now()
  for (let i = 0; i < ROWS; i++) counts.add(identifier.of({ id: `${i}`, text: textOf(i) }).id)
  const seconds = (performance.now() - began) / 1_000
  return `${Math.round(counts.bytes / 1e6)} MB, ${seconds.toFixed(1)} s`
}

async function write(
  path: string,
  header: string,
  rows: number,
  lineOf: (index: number) => string,
): Promise<void> {
  const file = createWriteStream(path)
  file.write(header)
  for (let from = 0; from < rows; from += 10_000) {
    const lines = Array.from({ length: Math.min(10_000, rows - from) }, (_, i) => lineOf(from + i))
    if (!file.write(lines.join(''))) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
}
