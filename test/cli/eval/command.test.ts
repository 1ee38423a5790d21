import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'
import { lock } from '../../../src/cli/rows/lock.ts'
import { runCli } from '../../../src/cli/run-cli.ts'
import type { EvalReport } from '../../../src/eval/report.ts'
import { atOnce, bareEnv, Workplace } from '../../helpers/cli.ts'

const LABELS = ['card', 'fee', 'transfer']
const labelled = (n: number): string =>
  `id,text,label\n${Array.from({ length: n }, (_, i) => `${i},message number ${i},${LABELS[(i * i + (i >> 2)) % 3]}\n`).join('')}`
const FILES = {
  'in.csv': labelled(60),
  'labels.txt': `${LABELS.join('\n')}\n`,
  'quality.json': '{"accuracy":0.8,"noise":0.05}',
}
const FAST = {
  timeToFirstToken: 0,
  outputTokensPerSecond: Infinity,
  promptTokensPerSecond: Infinity,
  slowdown: 0,
}
const TASK = ['--labels', 'labels.txt', '--prompt', 'Say what it is about.', '--model', 'gpt-4o-mini']
const JOB = ['eval', 'in.csv', '--field', 'text', '--gold', 'label', ...TASK, '--sizes', '2,5']

test('says what it will cost, asks, prints the losses and the command, and writes a page', async () => {
  using place = new Workplace(FILES)
  const { code, stdout, stderr } = await place.run([...JOB, '--sample', '40', '--report', 'e.html', '--quality', 'quality.json', ...atOnce]) // prettier-ignore
  expect(code).toBe(0)
  expect(stderr).toContain('40 of 60 records, drawn by seed 1, in 5 arms, for gpt-4o-mini.\n')
  expect(stderr).toMatch(/\narm +requests +cost +time +finds a loss of\npacks of 1 +40 +\$/)
  expect(stdout).toMatch(
    /^arm +accuracy +loss in points +verdict +\$\/1,000 +records\/s\npacks of 1 +\d\d\.\d%/,
  )
  expect(stdout).toContain('Cannot tell yet')
  expect(place.read('e.html')).toContain('<p class="kind">Report of an eval</p>')
  expect(place.read('eval.jsonl').split('\n')[0]).toMatch(/^\{"eval":1,/)
})

test('a resumed eval asks nothing twice and prints the same report; another task needs --overwrite', async () => {
  await using server = await startSimulator({ latency: FAST })
  using place = new Workplace(FILES)
  const env = { OPENAI_BASE_URL: server.baseURL }
  const run = (...flags: string[]) => place.run([...JOB, '--yes', '--json', '--quiet', ...flags], { env })
  const first = await run()
  expect(first).toMatchObject({ code: 0, stderr: '' })
  const report = JSON.parse(first.stdout) as EvalReport & { server: string; use: string }
  expect(report).toMatchObject({ records: 60, scoredBy: 'labels', seed: 1, margin: 0.02, server: server.baseURL })
  const asked = server.stats.requests
  expect(asked).toBe(report.arms.reduce((sum, { requests }) => sum + requests, 0))
  expect(await run()).toEqual(first)
  expect(server.stats.requests).toBe(asked)
  const other = await run('--seed', '2')
  expect(other).toMatchObject({ code: 2, stdout: '' })
  expect(other.stderr).toContain('--output: eval.jsonl is the journal of another task')
  expect(await run('--seed', '2', '--overwrite')).toMatchObject({ code: 0, stderr: '' })
  expect(place.read('eval.jsonl.bak')).toContain('"eval":1')
  expect(server.stats.requests).toBe(2 * asked)
}) // prettier-ignore

test('a second eval with the same journal is refused while the first runs', async () => {
  using place = new Workplace(FILES)
  const job = [...JOB, '--sample', '5', '--quiet', ...atOnce]
  const unlock = lock(join(place.path, 'eval.jsonl'))
  const { code, stdout, stderr } = await place.run(job)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(`eval.jsonl is being written by another run, process ${process.pid}`)
  expect(existsSync(join(place.path, 'eval.jsonl'))).toBe(false)
  unlock()
  expect(await place.run(job)).toMatchObject({ code: 0, stderr: '' })
  expect(existsSync(join(place.path, 'eval.jsonl.run.lock'))).toBe(false)
})

test('the model never sees the right results, also where the text is the whole record', async () => {
  using place = new Workplace(FILES)
  await using server = await startSimulator({ latency: FAST })
  // No --field: the text is the whole record, as JSON.
  const args = ['eval', 'in.csv', '--gold', 'label', ...TASK, '--sizes', '2', '--yes', '--sample', '5']
  const { code, stderr } = await place.run([...args, '--quiet'], {
    env: { OPENAI_BASE_URL: server.baseURL, OPENAI_LOG: 'debug' },
  })
  expect(code).toBe(0)
  expect(stderr).toContain('message number')
  expect(stderr).not.toMatch(/\\"label\\\\*":/)
})

test('a spending cap stops all arms together, with exit code 3, and prints what is known', async () => {
  using place = new Workplace(FILES)
  const { code, stdout, stderr } = await place.run([...JOB, '--max-cost', '0.0005', '--price-in', '1', '--price-out', '1', ...atOnce]) // prettier-ignore
  expect(code).toBe(3)
  expect(stdout).toContain('Cannot tell yet')
  expect(stderr).toContain('--max-cost')
})

test('Ctrl-C keeps what is paid for, prints what is known, and the same command goes on', async () => {
  await using server = await startSimulator({ latency: FAST })
  using place = new Workplace(FILES)
  const path = (name: string): string => join(place.path, name)
  const texts = { stdout: '', stderr: '' }
  const screen = (name: keyof typeof texts): Writable =>
    new Writable({
      decodeStrings: false,
      write(text: string, _, done) {
        texts[name] += text
        done()
      },
    })
  const io = Object.assign(new EventEmitter(), {
    ...{ stdin: new PassThrough(), stdout: screen('stdout'), stderr: screen('stderr') },
    env: { ...bareEnv, OPENAI_BASE_URL: server.baseURL },
    ...{ pid: 7, kill: () => true },
  })
  let left = 20
  const press = (): void => {
    left -= 1
    if (left === 0) io.emit('SIGINT', 'SIGINT')
  }
  subscribe('llm-pack-stream:element', press)
  onTestFinished(() => void unsubscribe('llm-pack-stream:element', press))
  const job = ['eval', path('in.csv'), '--field', 'text', '--gold', 'label', '--labels', path('labels.txt'), '--prompt', 'x', '--model', 'm', '--sizes', '2', '--yes', '-o', path('e.jsonl')] // prettier-ignore
  expect(await runCli(job, io)).toBe(130)
  expect(texts.stderr).toContain('Stopping: nothing more is sent')
  expect(texts.stderr).toContain('run the same command again to go on')
  expect(texts.stdout).toContain('Cannot tell yet')
  expect(io.eventNames()).toEqual([])
  const { requests } = server.stats
  expect(texts.stderr).not.toContain('answers. The')
  expect(await runCli(job, io)).toBe(0)
  expect(texts.stderr).toMatch(/e\.jsonl\s+has\s+\d+\s+answers\.\s+The\s+same\s+eval/)
  // 60 records alone twice, and in packs of 2 twice.
  expect(server.stats.requests).toBeLessThanOrEqual(60 + 60 + 30 + 30 + 4)
  expect(server.stats.requests).toBeGreaterThan(requests)
})

test.each<[string, string[], string]>([
  ['sizes', ['--sizes', '1,x'], '--sizes: expected a number, got "x"'],
  ['a size', ['--sizes', '5,101'], '--sizes: expected whole numbers from 1 to 100, got 101'],
  ['a margin', ['--margin', '0'], '--margin: expected points above 0 and below 100, such as 2%, got 0'],
  ['a sample', ['--sample', '0.5'], '--sample: expected a whole number from 1, got 0.5'],
  ['a seed', ['--seed', '1.5'], '--seed: expected a whole number, got 1.5'],
  ['a column', ['--gold', 'labl'], 'there is no column "labl"; there are: "id", "text", "label"'],
  ['a right result in the text', ['--field', 'label'], '--gold: label is in --field too, so the model would see the right result'],
  ['a right result in a template', ['--template', '{{ label }}'], '--gold: label is in --template too'],
  ['an output', ['-o', 'in.csv'], '--output: in.csv is an input too'],
  ['a page', ['-o', 'a.html', '--report', 'a.html'], '--report: a.html is the journal too'],
  ['a folder', ['-o', 'no/e.jsonl'], '--output: no/e.jsonl: there is no folder no'],
  ['a module', ['--score', 'labels.txt'], '--score: labels.txt: expected a function of value, gold and record'],
  ['a quality', ['--quality', 'quality.json'], 'Expected --simulate with --quality'],
  ['no consent', [], 'Nothing was sent, because there is no terminal for a question.'],
])('bad %s: exit code 2, and nothing is sent', async (_, flags, message) => {
  using place = new Workplace(FILES)
  const job = flags.includes('--template') ? JOB.filter((one) => !['--field', 'text'].includes(one)) : JOB
  const env = { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }
  const { code, stdout, stderr } = await place.run([...job, ...flags], { env })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(message)
}) // prettier-ignore

test('a function of the user scores the values', async () => {
  using place = new Workplace({
    ...FILES,
    'score.mjs': 'export default (value, gold, record) => (value.label === gold && record.id ? 1 : 0.5)\n',
    'bad.mjs': 'export const other = 1\n',
  })
  const flags = ['--json', '--quiet', '--score', join(place.path, 'score.mjs'), ...atOnce]
  const { code, stdout } = await place.run([...JOB, ...flags])
  expect(code).toBe(0)
  const report = JSON.parse(stdout) as EvalReport
  expect(report.scoredBy).toBe('score')
  // The simulator knows the right results by --gold.
  expect(report.arms.map(({ score }) => score.mean)).toEqual([1, 1, 1, 1, 1])
  const bad = await place.run([...JOB, ...atOnce, '--score', join(place.path, 'bad.mjs')])
  expect(bad.stderr).toContain('expected a function of value, gold and record, as its default export or as `score`')
}) // prettier-ignore
