import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { noPostgres, startPostgres } from '../helpers/postgres.ts'
import { root } from '../helpers/run.ts'
import { runPage } from './run-page.ts'

const folder = 'docs/recipes'
const database = 'postgresql.md'
const recipes = readdirSync(join(root, folder)).filter((name) => !['README.md', database].includes(name))

/** The blocks that do not run with their page, by a part of their text, and why. */
const notRun: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'README.md': {
    'llm-pack-stream simulate': 'It runs until Ctrl-C. The tests of docs/simulator.md run it.',
  },
  'spreadsheets.md': { 'soffice --headless': 'LibreOffice is too large to install for one line.' },
}
const run = (name: string, env: Readonly<Record<string, string>> = {}) =>
  runPage(`${folder}/${name}`, { env, notRun: notRun[name] ?? {} })

test.concurrent.for(recipes)('%s', async (name) => {
  await run(name, { PORT: await freePort() })
})

test.concurrent(`${database} (skipped where PostgreSQL is not installed)`, async ({ skip }) => {
  if (noPostgres !== undefined) {
    if (!['', '0'].includes(process.env['REQUIRE_POSTGRES'] ?? '')) throw new Error(noPostgres)
    process.stderr.write(
      `THE RECIPE OF POSTGRESQL DID NOT RUN: ${noPostgres} (apt-get install postgresql).\n`,
    )
    skip(noPostgres)
  }
  const postgres = await startPostgres()
  try {
    await run(database, postgres.env)
  } finally {
    await postgres.stop()
  }
})

test('the list has all recipes', async () => {
  const list = readFileSync(join(root, folder, 'README.md'), 'utf8')
  const linked = Array.from(list.matchAll(/^\| \[.*?\]\((.*?)\)/gm), ([, name]) => name)
  expect(linked.sort()).toEqual([...recipes, database].sort())
  await run('README.md')
})

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return String(port)
}
