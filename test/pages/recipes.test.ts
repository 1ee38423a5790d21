import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'vitest'
import { noPostgres, startPostgres } from '../helpers/postgres.ts'
import { runPage } from './run-page.ts'

test('CSV labels', async () => {
  await runPage('docs/recipes/csv-labels.md')
})

test('nested extraction', async () => {
  await runPage('docs/recipes/nested-extraction.md')
})

test('translation in order', async () => {
  await runPage('docs/recipes/translation.md')
})

test('SQLite', async () => {
  await runPage('docs/recipes/sqlite.md')
})

test('HTTP in and out', async () => {
  await runPage('docs/recipes/http.md', { env: { PORT: await freePort() } })
})

test('PostgreSQL with a cursor (skipped where it is not installed)', async ({ skip }) => {
  if (noPostgres !== undefined && !['', '0'].includes(process.env['REQUIRE_POSTGRES'] ?? '')) {
    throw new Error(noPostgres)
  }
  if (noPostgres !== undefined) {
    process.stderr.write(
      `THE RECIPE OF POSTGRESQL DID NOT RUN: ${noPostgres} (apt-get install postgresql).\n`,
    )
    skip(noPostgres)
  }
  const postgres = await startPostgres()
  try {
    await runPage('docs/recipes/postgresql.md', { env: postgres.env })
  } finally {
    await postgres.stop()
  }
})

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return String(port)
}
