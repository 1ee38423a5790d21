import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readRows } from 'llm-pack-stream/readers'

it('a database that another program keeps locked is named, after a wait', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-sqlite-'))
  const file = join(folder, 'shop.db')
  const database = new DatabaseSync(file)
  database.exec('CREATE TABLE t AS SELECT 1 AS a; BEGIN EXCLUSIVE')
  await expect(readRows([`sqlite:${file}?query=SELECT a FROM t`]).toArray()).rejects.toMatchObject({
    code: 'cannot_read',
    message: `sqlite:${file}: another program keeps it locked, also after 5 s: read it when the other program has ended, or read a copy`,
  })
  database.close()
  rmSync(folder, { recursive: true })
}, 60_000)
