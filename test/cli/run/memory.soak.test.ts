import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, createWriteStream, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { atOnce, jsonl, messages, parseLines, startCli, Workplace } from '../../helpers/cli.ts'
import { root } from '../../helpers/run.ts'
import { watchMemory } from '../../helpers/watch-memory.ts'

const ROWS = 2_000_000
/** Most memory that the process may take, in MB. */
const LIMIT_MB = 300
/** Most bytes that may be kept for each row. */
const KEPT_BYTES = 20
const topics = [
  { label: 'shipping', text: 'shipping takes long' },
  { label: 'returns', text: 'returns are hard' },
  { label: 'payments', text: 'payments fail' },
]
const topicOf = (index: number) => topics[index % 3]!

// Larger packs than the default save time: packs of 25 take a quarter more time.
test('two million rows are read, asked and written in memory that stays small', async () => {
  using place = new Workplace()
  await writeRows(join(place.path, 'in.csv'))
  expect(statSync(join(place.path, 'in.csv')).size).toBeGreaterThan(200e6)

  const job = [...place.job(['in.csv']), '--field', 'text', '-o', 'out.jsonl', '--json']
  // The built program, as users run it: to compile the sources takes the same memory again.
  execFileSync('npm', ['run', 'build'], { cwd: root, stdio: 'pipe' })
  const program = join(root, 'dist/cli/main.js')
  const args = [...job, '--quiet', '--max-pack-records', '100', ...atOnce]
  const live = join(place.path, 'live-memory')
  const nodeArgs = ['--expose-gc', '--import', new URL('../../helpers/live-memory.ts', import.meta.url).href]
  const { child, ended } = startCli(args, { cwd: place.path, program, nodeArgs, env: { LIVE_MEMORY: live } })
  const memory = await watchMemory(child.pid!, ended, 500)
  const { code, stdout, stderr } = await ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const { seconds, records } = JSON.parse(stdout) as { seconds: number; records: object }
  expect(records).toEqual({ done: ROWS, fulfilled: ROWS, rejected: 0, earlier: 0, others: 0 })
  await checkRows(join(place.path, 'out.jsonl'))

  console.log(`${Math.round(ROWS / seconds)} rows/s in ${Math.round(seconds)} s`)
  // The memory in use, and not the memory of the process: when a process gives back free memory
  // depends on the machine. Compares two quarters, and leaves out the start, when the parts of the
  // run find their sizes: the prompt cache of the simulator does after 300,000 rows.
  const used = readFileSync(live, 'utf8').trimEnd().split('\n').map(Number)
  console.log(`in use in each twentieth of the time: ${twentieths(used.map(toMB)).join(' ')} MB`)
  const median = (from: number) => {
    const quarter = used.slice(used.length * from, used.length * (from + 0.25))
    return quarter.toSorted((a, b) => a - b)[Math.floor(quarter.length / 2)]!
  }
  expect(median(0.75) - median(0.25)).toBeLessThan((KEPT_BYTES * ROWS) / 2)
  if (!memory) {
    console.warn('The peak was not checked: it is read from /proc, which this system does not have.')
    return
  }
  console.log(`at most ${memory.peak} MB; of the process: ${twentieths(memory.samples).join(' ')} MB`)
  expect(memory.peak).toBeLessThan(LIMIT_MB)
})

const toMB = (bytes: number): number => Math.round(bytes / 1e5) / 10

async function writeRows(path: string): Promise<void> {
  const file = createWriteStream(path)
  file.write('id,text\n')
  for (let from = 0; from < ROWS; from += 10_000) {
    const rows = Array.from({ length: 10_000 }, (_, i) => rowOf(from + i))
    if (!file.write(rows.join(''))) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
}

const rowOf = (index: number): string =>
  `${index},"${topicOf(index).text}, number ${index}, and I have asked about it before, more than once: what now?"\n`

/** Checks that each row is there once, with its own columns and its label. */
async function checkRows(path: string): Promise<void> {
  const seen = new Uint8Array(ROWS)
  let count = 0
  for await (const line of createInterface({ input: createReadStream(path, { highWaterMark: 1 << 20 }) })) {
    const { id, label, _index } = JSON.parse(line) as { id: string; label: string; _index: number }
    if (id !== String(_index) || label !== topicOf(_index).label || _index >= ROWS || seen[_index] === 1)
      throw new Error(`Wrong, or twice: ${line}`)
    seen[_index] = 1
    count += 1
  }
  expect(count).toBe(ROWS)
}

function twentieths(samples: readonly number[]): number[] {
  const at = (part: number) => Math.floor((samples.length * part) / 20)
  return Array.from({ length: 20 }, (_, i) => Math.max(...samples.slice(at(i), at(i + 1))))
}

test('records without the column are not kept without limit', async () => {
  const other = JSON.stringify({ id: 1, body: 'x'.repeat(1_000_000) })
  using place = new Workplace({ 'in.jsonl': `${other}\n`.repeat(300) + jsonl(messages(3)) })
  // A limit on memory needs a process of its own.
  const { code, stdout } = await place.run([...place.job(), '--field', 'text', '--json', ...atOnce], {
    nodeArgs: ['--max-old-space-size=150'],
  })
  expect(code).toBe(1)
  expect(parseLines(stdout).filter(({ label }) => label !== undefined)).toHaveLength(3)
})
