import { readdirSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { atOnce, jsonl, messages, parseLines, Workplace } from '../helpers/cli.ts'
import { evaluated, withoutPackage } from '../helpers/without-package.ts'

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../files/read/fixtures/${name}`, import.meta.url))
const options = ['--field', 'text', ...atOnce]

test('a run reads the result of an SQLite query, and continues it', async () => {
  using place = new Workplace()
  const database = new DatabaseSync(join(place.path, 'shop.db'))
  database.exec(`CREATE TABLE t (id INTEGER, text TEXT);
    INSERT INTO t VALUES (9007199254740993, 'payments fail'), (2, 'returns are hard')`)
  database.close()
  const source = ['--from', 'sqlite:shop.db?query=SELECT * FROM t ORDER BY text']
  const args = [...place.job([]), ...source, ...options, '-o', 'out.jsonl']
  expect(await place.run([...args, '--limit', '1'])).toMatchObject({ code: 0 })
  expect(await place.run([...args, '--force'])).toMatchObject({ code: 0 })
  expect(place.read('out.jsonl').split('\n').sort()).toEqual([
    '',
    '{"id":2,"text":"returns are hard","label":"returns","_index":1}',
    '{"id":9007199254740993,"text":"payments fail","label":"payments","_index":0}',
  ])
})

test('a plan reads it too', async () => {
  using place = new Workplace()
  new DatabaseSync(join(place.path, 'shop.db')).exec("CREATE TABLE t AS SELECT 'payments fail' AS text")
  const [, ...job] = place.job([])
  const args = ['plan', ...job, '--from', 'sqlite:shop.db?query=SELECT * FROM t', '--field', 'text']
  expect(await place.run(args)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1 record') as string,
  })
})

test('a config file names a database in its own folder', async () => {
  using place = new Workplace()
  new DatabaseSync(join(place.path, 'shop.db')).exec("CREATE TABLE t AS SELECT 'payments fail' AS text")
  place.write({ 'job.json': JSON.stringify({ from: 'sqlite:shop.db?query=SELECT text FROM t' }) })
  const args = [...place.job([]), '--config', 'job.json', ...options]
  const config = args.map((one) => (/^(?:labels.txt|job.json)$/.test(one) ? join(place.path, one) : one))
  const { code, stdout } = await place.run(config)
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('payments') as string })
})

test('a source without a query is a wrong option, and so is a wrong query', async () => {
  using place = new Workplace()
  const run = (source: string) => place.run([...place.job([]), '--from', source, ...options])
  expect(await run('shop.db')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--from: expected sqlite:FILE?query=SELECT ..., got "shop.db"') as string,
  })
  expect(await run('sqlite:absent.db?query=SELECT 1')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('sqlite:absent.db: it does not exist') as string,
  })
})

test('a run reads Parquet and a sheet of XLSX', async () => {
  using place = new Workplace()
  const parquet = await place.run([...place.job([fixture('types.parquet')]), ...options])
  expect(parquet.code).toBe(1)
  expect(parquet.stdout).toContain(
    '"id":9007199254740993,"u64":18446744073709551615,"dec":12345678901234567.89',
  )
  const xlsx = await place.run([
    ...place.job([fixture('xlsxwriter.xlsx')]),
    '--sheet',
    'Tickets & more',
    ...options,
  ])
  expect(parseLines(xlsx.stdout).map(({ id, sum }) => [id, sum])).toContainEqual(['2', '2x'])
})

test.each([
  ['hyparquet', 'types.parquet', 'types.parquet: Parquet needs the package hyparquet: npm install hyparquet'],
  ['hucre', 'xlsxwriter.xlsx', 'xlsxwriter.xlsx: XLSX needs the package hucre: npm install hucre'],
])('without %s, a run and a plan of %s say how to install it', async (name, file, message) => {
  using place = new Workplace()
  const [, ...job] = place.job([fixture(file)])
  for (const command of ['run', 'plan']) {
    const more = command === 'run' ? atOnce : []
    const { code, stderr } = await place.run([command, ...job, '--field', 'text', ...more], {
      nodeArgs: withoutPackage(name),
    })
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string })
  }
})

test('without hyparquet-writer, a run to Parquet ends before it asks', async () => {
  using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
  const args = [...place.job(), ...options, '-o', 'out.parquet']
  const { code, stderr } = await place.run(args, { nodeArgs: withoutPackage('hyparquet-writer') })
  const message = 'out.parquet: Parquet needs the package hyparquet-writer: npm install hyparquet-writer'
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string })
  expect(readdirSync(place.path).sort()).toEqual(['in.jsonl', 'labels.txt'])
})

test.each([
  ['no SQLite', withoutPackage('node:sqlite')],
  [
    'an older SQLite',
    evaluated(`import { StatementSync } from 'node:sqlite'
      delete StatementSync.prototype.setReturnArrays`),
  ],
])('a Node.js with %s names the version that is needed', async (_, nodeArgs) => {
  using place = new Workplace()
  new DatabaseSync(join(place.path, 'shop.db')).exec("CREATE TABLE t AS SELECT 'payments fail' AS text")
  const args = [...place.job([]), '--from', 'sqlite:shop.db?query=SELECT * FROM t', ...options]
  const message = `sqlite:shop.db: it needs Node.js 22.16 or newer, this is ${process.version}`
  const { code, stderr } = await place.run(args, { nodeArgs })
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string })
})
