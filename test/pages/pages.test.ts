import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startCli } from '../helpers/cli.ts'
import { root } from '../helpers/run.ts'
import { runPage } from './run-page.ts'

/** The blocks that do not run with their page, by a part of their text, and why. */
const notRun: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'README.md': {
    'npm ci && npm start': 'It installs and starts this checkout: examples.test.ts runs the start.',
    'npm cit': 'It runs these tests.',
  },
  'docs/architecture.md': {
    'write -> stream/intake': 'It is a diagram.',
    'files, kafka, ai-sdk, eval, sqlite-cache.ts\n': 'It is a list.',
  },
  'docs/kafka.md': {
    'await runKafka': 'It needs a cluster and does not end: test/kafka/broker/example.test.ts runs it.',
    'export KAFKA_BROKERS': 'The same.',
    'workers   records/s': 'The figures of a benchmark.',
  },
  'docs/progress.md': {
    '██████': 'It is a moment of a long run.',
    'rate limited until 12:31, the server says 429 rate': 'The same.',
  },
  'docs/simulator.md': {
    'npx llm-pack-stream simulate': 'It does not end: the last test here runs it.',
    'This is a simulator': 'The same.',
  },
}

const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
test.concurrent.each(['README.md', ...pages.map((name) => `docs/${name}`)])(
  'the commands and programs of %s work, and print what it shows',
  async (page) => {
    await runPage(page, { notRun: notRun[page] ?? {} })
  },
)

test.concurrent('the simulator of docs/simulator.md starts, and prints what the page shows', async () => {
  const page = readFileSync(join(root, 'docs/simulator.md'), 'utf8')
  const [, args = ''] = /^npx llm-pack-stream (simulate.*)$/m.exec(page) ?? []
  const [, shown = ''] = /```text\n(This is a simulator[^]*?)```/.exec(page) ?? []
  const { child, output, ended } = startCli([...args.split(' '), '--port', '0'])
  await expect.poll(() => output.stdout).toContain('Ctrl-C')
  child.kill('SIGINT')
  expect(await ended).toMatchObject({ code: 0, stderr: '' })
  // Another program may have port 4010 while the tests run.
  expect(output.stdout.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:4010')).toBe(shown)
})
