import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'
import { noteReplacing } from '../../src/cli/run/resume/notes.ts'
import { atOnce, jsonl, messages, Workplace } from '../helpers/cli.ts'

const latency = { timeToFirstToken: 0, outputTokensPerSecond: Infinity, slowdown: 0 }
const table = (rows: readonly { id: string; text: string }[]) =>
  `id,text\n${rows.map(({ id, text }) => `${id},${text}\n`).join('')}`

/** A job of 20 records. The first 10 are in the output. */
async function halfDone(out: string, ...flags: string[]) {
  const place = new Workplace({ 'in.csv': table(messages(20)), 'in.jsonl': jsonl(messages(20)) })
  const args = [
    ...place.job([out.endsWith('.jsonl') ? 'in.jsonl' : 'in.csv']),
    '-o',
    out,
    ...flags,
    ...atOnce,
  ]
  const run = (...more: string[]) => place.run([...args, '--field', 'text', ...more])
  expect((await run('--limit', '10')).code).toBe(0)
  return {
    place,
    run,
    [Symbol.dispose]: () => {
      place[Symbol.dispose]()
    },
  }
}

/** All files of a folder. */
const contents = ({ path }: Workplace) =>
  Object.fromEntries(readdirSync(path).map((name) => [name, readFileSync(join(path, name), 'latin1')]))
const lines = (text: string) => text.split('\n').sort()
const column = (text: string, at: number) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(',')[at])

describe('an output that a person has changed into something else stops the run, and no byte changes', () => {
  test.each<[string, string, (text: string) => string, RegExp]>([
    ['saved with semicolons', 'out.csv', (text) => text.replaceAll(',', ';'), /out\.csv:1: .*delimiter/],
    [
      'without columns of ours, and with a column of notes',
      'out.csv',
      (text) => text.replace(/(?:,[^,\n]*){3}$/gm, ',my note'),
      /out\.csv:1: there is no column "_error", "_more", and no run wrote the column "my note"/,
    ],
    [
      'with three lines behind it',
      'out.jsonl',
      (text) => `${text}{"note":1}\n{"note":2}\n{"note":3}\n`,
      /out\.jsonl:11: expected a row of an earlier run, with an _index, an _error or a result/,
    ],
    ['with a line behind it', 'out.csv', (text) => `${text}my note\n`, /out\.csv:12: expected 6 columns/],
    ['with a note that has no line end', 'out.jsonl', (text) => `${text}call Anna`, /out\.jsonl:11: /],
    ['with a line between', 'out.jsonl', (text) => text.replace('\n', '\nmy note\n'), /out\.jsonl:2: /],
    ['with another index', 'out.csv', (text) => text.replace(',3,,', ',x3,,'), /out\.csv:5: /],
    [
      'without the text of the records',
      'out.csv',
      (text) => text.replace(/^([^,]*),[^,]*/gm, '$1'),
      /"text"/,
    ],
    [
      'replaced by another table',
      'out.csv',
      () => 'a,b\n1,2\n',
      /out\.csv:1: there is no column "id", "text"/,
    ],
    ['replaced by the header of another table', 'out.csv', () => 'a,b\n', /out\.csv:1: there is no column/],
    ['replaced by text', 'out.jsonl', () => 'my notes\nmore notes\n', /out\.jsonl:1: expected JSON/],
    ['saved as UTF-16', 'out.csv', (text) => `\xff\xfe${text}`, /out\.csv: expected UTF-8.*UTF-16/],
  ])('%s: %s', async (_, out, change, message) => {
    using job = await halfDone(out)
    const { place } = job
    const changed = Buffer.from(change(place.read(out)), 'latin1')
    place.write({ [out]: changed })
    const before = contents(place)
    const { code, stderr } = await job.run()
    expect(stderr).toMatch(message)
    expect(stderr).toContain(`--overwrite moves it to ${out}.bak`)
    expect(code).toBe(2)
    expect(contents(place)).toEqual(before)
    // What the message says to do.
    expect((await job.run('--overwrite')).code).toBe(0)
    expect(readFileSync(join(place.path, `${out}.bak`)).equals(changed)).toBe(true)
  })
})

describe('an output that a person has changed, but whose rows are ours, is continued in its own form', () => {
  test.each<[string, string, (text: string) => string, (text: string) => string]>([
    [
      'with CRLF',
      'out.csv',
      (text) => text.replaceAll('\n', '\r\n'),
      (text) => text.replaceAll('\n', '\r\n'),
    ],
    ['with a byte order mark', 'out.csv', (text) => `\ufeff${text}`, (text) => `\ufeff${text}`],
    ['with a byte order mark', 'out.jsonl', (text) => `\ufeff${text}`, (text) => `\ufeff${text}`],
    ['without the last line end', 'out.csv', (text) => text.trimEnd(), (text) => text],
    ['without the last line end', 'out.jsonl', (text) => text.trimEnd(), (text) => text],
    [
      'without _index',
      'out.csv',
      (text) => text.replace(/,[^,\n]*(,[^,\n]*,[^,\n]*)$/gm, '$1'),
      (text) => text.replace(/,[^,\n]*(,[^,\n]*,[^,\n]*)$/gm, '$1'),
    ],
    ['with blank lines', 'out.jsonl', (text) => `\n${text}\n\n`, (text) => `\n${text}`],
  ])('%s: %s', async (_, out, change, expected) => {
    using whole = await halfDone(out, '--ordered')
    expect((await whole.run()).code).toBe(0)
    using job = await halfDone(out, '--ordered')
    job.place.write({ [out]: change(job.place.read(out)) })
    expect(await job.run()).toEqual({ code: 0, stdout: '', stderr: '' })
    const text = job.place.read(out)
    expect(text.replace(/\n\n+/g, '\n')).toBe(expected(whole.place.read(out)))
  })

  test('sorted, and with columns in another order', async () => {
    using job = await halfDone('out.csv')
    const [header = '', ...rows] = job.place.read('out.csv').trimEnd().split('\n')
    const turned = [header, ...rows.sort().reverse()].map((line) => line.split(',').reverse().join(','))
    job.place.write({ 'out.csv': `${turned.join('\n')}\n` })
    expect(await job.run()).toEqual({ code: 0, stdout: '', stderr: '' })
    const text = job.place.read('out.csv')
    expect(text.startsWith(turned.join('\n'))).toBe(true)
    expect(column(text, 5).sort()).toEqual(['id', ...messages(20).map(({ id }) => id)].sort())
  })

  test('cut to nothing: the run starts again', async () => {
    using job = await halfDone('out.csv')
    job.place.write({ 'out.csv': '' })
    expect((await job.run()).code).toBe(0)
    expect(lines(job.place.read('out.csv'))).toHaveLength(22)
  })

  test('an unfinished end is cut off, and its bytes are kept beside the output', async () => {
    using job = await halfDone('out.jsonl')
    const text = job.place.read('out.jsonl')
    job.place.write({ 'out.jsonl': `${text}{"id":"id-1` })
    expect(await job.run()).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(job.place.read('out.jsonl').startsWith(text)).toBe(true)
    expect(job.place.read('out.jsonl.torn')).toBe('{"id":"id-1')
  })
})

describe('the state of a run', () => {
  test('that is missing or broken stops the run; --force continues the output without it', async () => {
    for (const state of [undefined, '{', '{"version":99}']) {
      using job = await halfDone('out.jsonl')
      const before = job.place.read('out.jsonl')
      const path = 'out.jsonl.run.json'
      if (state === undefined) rmSync(join(job.place.path, path))
      else job.place.write({ [path]: state })
      const { code, stderr } = await job.run()
      expect({ code, stderr }).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('--force') as string,
      })
      expect(job.place.read('out.jsonl')).toBe(before)
      // As the message says.
      rmSync(join(job.place.path, path), { force: true })
      expect(await job.run('--force')).toEqual({ code: 0, stdout: '', stderr: '' })
      expect(job.place.rows('out.jsonl')).toHaveLength(20)
    }
  })

  test('of version 1 is read', async () => {
    using job = await halfDone('out.jsonl')
    const { settings } = JSON.parse(job.place.read('out.jsonl.run.json')) as { settings: object }
    const input = [{ file: 'in.jsonl', format: 'jsonl', sha256: 'x' }]
    const old = { version: 1, settings: { ...settings, '--max-record-bytes': '9' }, input }
    job.place.write({ 'out.jsonl.run.json': JSON.stringify(old) })
    expect(await job.run()).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(job.place.rows('out.jsonl')).toHaveLength(20)
  })

  test('keeps the accounts of runs', async () => {
    using job = await halfDone('out.jsonl')
    const state = JSON.parse(job.place.read('out.jsonl.run.json')) as object
    job.place.write({ 'out.jsonl.run.json': JSON.stringify({ ...state, runs: [{ seconds: 1 }] }) })
    expect((await job.run()).code).toBe(0)
    expect(JSON.parse(job.place.read('out.jsonl.run.json'))).toMatchObject({
      runs: [{ seconds: 1 }, { status: 'complete' }],
    })
  })
})

describe('rejects', () => {
  const input = 'id,text\n1,shipping\n2,\n3, \n'
  const rejected = async () => {
    const place = new Workplace({ 'in.csv': input })
    const args = [...place.job(['in.csv']), '--field', 'text', '-o', 'out.csv', ...atOnce]
    const run = (...more: string[]) => place.run([...args, ...more])
    expect((await run('--rejects', 'r.csv')).code).toBe(1)
    return {
      place,
      run,
      [Symbol.dispose]: () => {
        place[Symbol.dispose]()
      },
    }
  }

  test('that a person has mended stop the run, which says what to do with them', async () => {
    for (const mended of ['id,text\n2,returns\n3,payments\n', undefined]) {
      using job = await rejected()
      const { place } = job
      const text = mended ?? place.read('r.csv').replace('2,,', '2,returns,')
      place.write({ 'r.csv': text })
      const before = contents(place)
      const { code, stderr } = await job.run('--rejects', 'r.csv')
      expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('--key') as string })
      expect(contents(place)).toEqual(before)
    }
  })

  test('that are mended replace the rejected rows, and stay in their place when the first input comes again', async () => {
    using job = await rejected()
    const { place } = job
    place.write({ 'r.csv': place.read('r.csv').replace('2,,', '2,returns,') })
    const mend = [...place.job(['r.csv']), '--field', 'text', '--key', 'id', '-o', 'out.csv', ...atOnce]
    expect((await place.run(mend)).code).toBe(1)
    const rows = () => column(place.read('out.csv'), 0).slice(1).sort()
    expect(rows()).toEqual(['1', '2', '3'])
    expect(place.read('out.csv')).toContain('2,returns,returns,')
    const done = place.read('out.csv')
    expect((await job.run()).code).toBe(1)
    expect(place.read('out.csv')).toBe(done)
    expect(existsSync(join(place.path, 'out.csv.replaced'))).toBe(false)
  })

  test('--retry-rejected asks them again, in the same output', async () => {
    for (const out of ['out.jsonl', 'out.csv']) {
      using place = new Workplace({ 'in.jsonl': jsonl(messages(20)) })
      const args = [...place.job(), '-o', out, '--rejects', 'r.jsonl']
      {
        await using server = await startSimulator({
          latency,
          faults: { poison: { refusal: /number 1?[35]:/ } },
        })
        expect((await place.run(args, { env: { OPENAI_BASE_URL: server.baseURL } })).code).toBe(1)
      }
      expect(place.rows('r.jsonl')).toHaveLength(4)
      const good = lines(place.read(out)).filter((line) => !line.includes('refused'))
      await using server = await startSimulator({ latency, faults: { poison: { refusal: /number 13:/ } } })
      const env = { OPENAI_BASE_URL: server.baseURL }
      const forced = [...args, '--retry-rejected', '--force', '--json']
      const { code, stdout } = await place.run(forced, { env })
      expect(code).toBe(1)
      expect(JSON.parse(stdout)).toMatchObject({
        records: { done: 20, fulfilled: 19, rejected: 1, earlier: 16, others: 0 },
      })
      const after = lines(place.read(out))
      expect(after).toEqual(expect.arrayContaining(good))
      expect(after).toHaveLength(good.length + 4)
      expect(place.rows('r.jsonl').map(({ id }) => id)).toEqual(['id-13'])
      const text = place.read(out)
      // Not without the flag.
      expect((await place.run(args, { env })).code).toBe(1)
      expect(place.read(out)).toBe(text)
      expect(existsSync(join(place.path, `${out}.run.replacing`))).toBe(false)
    }
  })

  test('a run that was killed before it took replaced rows out: the next run does it, also without the flag', async () => {
    using job = await rejected()
    const { place } = job
    const before = place.read('out.csv')
    const text = `${before}3,returns,returns,0,,\n2,shipping,shipping,0,,\n`
    const state = JSON.parse(place.read('out.csv.run.json')) as object
    const noted = { ...state, key: ['id'] }
    place.write({ 'out.csv': text, 'out.csv.run.json': JSON.stringify(noted) })
    const rows = ['3,returns', '2,shipping'].map((row) => row.split(',') as [string, string])
    for (const [id, text] of rows) {
      const row = { index: 0, reason: undefined, own: { id, text, label: text } }
      noteReplacing(join(place.path, 'out.csv'), row)
    }
    expect((await job.run('--rejects', 'r.csv')).code).toBe(0)
    expect(place.read('out.csv').split('\n').slice(1).sort()).toEqual(
      ['', '1,shipping,shipping,0,,', '2,shipping,shipping,0,,', '3,returns,returns,0,,'].sort(),
    )
    expect(place.read('r.csv')).toBe('id,text,_index,_error,_more\n')
    expect(existsSync(join(place.path, 'out.csv.run.replacing'))).toBe(false)
  })
})

describe('a key', () => {
  test('a changed record is asked again, and its old result moves to another file', async () => {
    for (const out of ['out.jsonl', 'out.csv']) {
      using job = await halfDone(out, '--key', 'id')
      const { place } = job
      const changed = messages(20).map((one, i) => (i === 3 ? { ...one, text: 'payments' } : one))
      place.write({ 'in.csv': table(changed), 'in.jsonl': jsonl(changed) })
      const old = place
        .read(out)
        .split('\n')
        .find((line) => line.includes('id-3'))
      const { code, stdout } = await job.run('--json')
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ records: { done: 20, earlier: 9, others: 0 } })
      const header = out === 'out.csv' ? 'id,text,label,_index,_error,_more\n' : ''
      expect(place.read(`${out}.replaced`)).toBe(`${header}${old}\n`)
      expect(place.read(out).match(/id-3\b/g)).toHaveLength(1)
      const text = place.read(out)
      expect((await job.run()).code).toBe(0)
      expect(place.read(out)).toBe(text)
    }
  })

  test('that no record has, or that is a column of the result, is refused', async () => {
    using job = await halfDone('out.csv')
    expect((await job.run('--key', 'nothing')).stderr).toContain('there is no column "nothing"')
    expect((await job.run('--key', 'label')).stderr).toContain('--key: label is a column of the result')
  })
})

describe('--meta', () => {
  test.each([
    ['none', 'id,text,label,_more'],
    ['index', 'id,text,label,_index,_more'],
    ['error', 'id,text,label,_error,_more'],
  ])('%s leaves columns out, and the output is continued', async (meta, header) => {
    using place = new Workplace({ 'in.csv': 'id,text\n1,shipping\n2,\n3,returns\n' })
    const args = [...place.job(['in.csv']), '--field', 'text', '-o', 'out.csv', '--meta', meta, ...atOnce]
    const first = await place.run([...args, '--rejects', 'r.csv', '--limit', '2'])
    expect(first.code).toBe(1)
    expect((await place.run([...args, '--rejects', 'r.csv'])).code).toBe(1)
    const [head, ...rows] = place.read('out.csv').trimEnd().split('\n')
    expect(head).toBe(header)
    // Without `_error`, a rejected record would look like a result.
    const ids = rows.map((row) => row.split(',')[0]).sort()
    expect(ids).toEqual(meta === 'error' ? ['1', '2', '3'] : ['1', '3'])
    expect(place.read('r.csv').trimEnd().split('\n')).toHaveLength(2)
    expect(existsSync(join(place.path, 'r.csv.bak'))).toBe(meta !== 'error')
  })

  test('expects names of columns', async () => {
    using place = new Workplace({ 'in.jsonl': jsonl(messages(1)) })
    const { code, stderr } = await place.run([...place.job(), '--meta', 'position', ...atOnce])
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('--meta') as string })
  })
})

test('new records between old ones go to the end of an output in order, and the run says so', async () => {
  using place = new Workplace({ 'in.jsonl': jsonl(messages(6).filter((_, i) => i !== 2)) })
  const args = [...place.job(), '--ordered', '-o', 'out.jsonl', ...atOnce]
  expect((await place.run(args)).code).toBe(0)
  place.write({ 'in.jsonl': jsonl(messages(6)) })
  const { stdout } = await place.run([...args, '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ isMixed: true, records: { done: 6, earlier: 5 } })
  expect(place.rows('out.jsonl').map(({ id }) => id)).toEqual([0, 1, 3, 4, 5, 2].map((i) => `id-${i}`))
})
