import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { jsonlToParquet, readRows } from 'llm-pack-stream/readers'
import { atOnce, jsonl, messages, Workplace } from '../helpers/cli.ts'
import { startRecordingServer } from '../helpers/recording-server.ts'

const options = ['--field', 'text', ...atOnce]
const tickets = messages(4)
const expected = tickets.map(({ id, text }, i) => ({
  ...{ id, text },
  label: ['shipping', 'returns', 'payments'][i % 3],
  _index: i,
}))

class Place extends Workplace {
  constructor() {
    super({ 'in.jsonl': jsonl(tickets) })
  }

  to(output: string, ...more: string[]) {
    return this.run([...this.job(), ...options, '--ordered', '-o', output, '--json', ...more])
  }

  async records(name: string): Promise<unknown[]> {
    const all: unknown[] = []
    for await (const { record } of readRows([join(this.path, name)])) all.push(record)
    return all
  }

  /** The files of an output. */
  files(output: string): string[] {
    return readdirSync(this.path)
      .filter((name) => name.startsWith(output))
      .sort()
  }
}

const summary = (stdout: string) => JSON.parse(stdout) as { records: { earlier: number; done: number } }

describe.each(['out.json', 'out.parquet'])('%s', (output) => {
  it('is made when the run ends, and continued by the next run', async () => {
    using place = new Place()
    expect((await place.to(output, '--limit', '2')).code).toBe(0)
    expect(await place.records(output)).toEqual(expected.slice(0, 2))
    expect(place.files(output)).toEqual([output, `${output}.run.json`])
    const { code, stdout } = await place.to(output)
    expect({ code, ...summary(stdout).records }).toMatchObject({ code: 0, done: 4, earlier: 2 })
    expect(await place.records(output)).toEqual(expected)
    expect(place.files(output)).toEqual([output, `${output}.run.json`])
  })

  it('is not replaced if a person has changed it since a kill', async () => {
    using place = new Place()
    await place.to(output, '--limit', '2')
    const [first, ...rest] = await place.records(output)
    const journal = `${output}.run.jsonl`
    place.write({ [journal]: jsonl(expected.slice(0, 3)) })
    const made = `${output}.rows`
    place.write({ [made]: jsonl([{ ...(first as object), text: 'my note' }, ...rest]) })
    if (output === 'out.json') place.write({ [output]: JSON.stringify(place.rows(made)) })
    else await jsonlToParquet(join(place.path, made), join(place.path, output))
    const before = readFileSync(join(place.path, output))
    const { code, stderr } = await place.to(output)
    expect(code).toBe(2)
    expect(stderr).toContain(`${output}, row 1: ${journal}, which has the rows of a run that did not end`)
    expect(readFileSync(join(place.path, output)).equals(before)).toBe(true)
    expect(place.rows(journal)).toEqual(expected.slice(0, 3))
    renameSync(join(place.path, output), join(place.path, 'mine'))
    expect((await place.to(output)).code).toBe(0)
    expect(await place.records(output)).toEqual(expected)
  })

  it('is replaced by the rows that a killed run had replaced', async () => {
    using place = new Place()
    await place.to(output)
    const journal = `${output}.run.jsonl`
    const [old, ...rest] = expected.map((row) => ({ ...row }))
    place.write({ [journal]: jsonl([...rest, { ...old, text: 'Another text' }]) })
    place.write({ [`${journal}.replaced`]: jsonl([old]) })
    expect((await place.to(output)).code).toBe(0)
    expect(place.files(output)).not.toContain(journal)
  })

  it('is made of the journal that a kill left, with its torn row', async () => {
    using place = new Place()
    await place.to(output, '--limit', '1')
    const journal = join(place.path, `${output}.run.jsonl`)
    appendFileSync(journal, `${jsonl(expected.slice(0, 2))}{"id":"id-2","te`)
    const { code, stdout } = await place.to(output)
    expect({ code, ...summary(stdout).records }).toMatchObject({ code: 0, done: 4, earlier: 2 })
    expect(await place.records(output)).toEqual(expected)
    expect(existsSync(journal)).toBe(false)
  })

  it('is not replaced at the end of a run if a person has changed it meanwhile', async () => {
    using place = new Place()
    await using server = await startRecordingServer({
      latency: { timeToFirstToken: 300, outputTokensPerSecond: 4_000, slowdown: 0 },
    })
    const env = { OPENAI_BASE_URL: server.baseURL, OPENAI_API_KEY: 'key' }
    const args = [...place.job(), '--field', 'text', '--ordered', '-o', output]
    await place.run([...args, '--limit', '1'], { env })
    const comes = server.nextRequest()
    const second = place.run(args, { env })
    await comes
    const mine = jsonl([{ ...expected[0], label: 'mine' }])
    place.write({ 'mine.jsonl': mine, [output]: `[${mine}]` })
    const path = join(place.path, output)
    if (output === 'out.parquet') await jsonlToParquet(join(place.path, 'mine.jsonl'), path)
    const { code, stderr } = await second
    expect({ code, stderr }).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`${output}, row 1: `) as string,
    })
    expect(await place.records(output)).toEqual([{ ...expected[0], label: 'mine' }])
    expect(place.rows(`${output}.run.jsonl`)).toEqual(expected)
  })

  it('is not replaced if it is not ours, or damaged', async () => {
    using place = new Place()
    const path = join(place.path, output)
    place.write({ 'mine.jsonl': '{"mine":1}\n' })
    const mine = join(place.path, 'mine.jsonl')
    if (output === 'out.parquet') await jsonlToParquet(mine, path)
    else place.write({ [output]: '[{"mine":1}]' })
    const before = place.read(output)
    const stranger = await place.to(output)
    expect(stranger).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${output} exists already`) as string,
    })
    expect([place.read(output), place.files(output)]).toEqual([before, [output]])
    // With the state of a run, the rows decide.
    await place.to('other' + output.slice(3), '--limit', '1')
    renameSync(join(place.path, `other${output.slice(3)}.run.json`), join(place.path, `${output}.run.json`))
    const { code, stderr } = await place.to(output)
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${output}, row 1`) as string,
    })
    expect([place.read(output), place.files(output)]).toEqual([before, [output, `${output}.run.json`]])
    place.write({ [output]: before.slice(0, -3) })
    expect(await place.to(output)).toMatchObject({ code: 2 })
    expect(place.files(output)).toEqual([output, `${output}.run.json`])
  })

  it('moves to a backup with --overwrite, and has no row without a record', async () => {
    using place = new Place()
    await place.to(output, '--limit', '1')
    expect((await place.to(output, '--overwrite')).code).toBe(0)
    expect(await place.records(output)).toEqual(expected)
    expect(place.files(output)).toContain(`${output}.bak`)
    place.write({ 'in.jsonl': '' })
    expect((await place.to(`none.${output.split('.')[1] ?? ''}`)).code).toBe(0)
    expect(await place.records(`none.${output.split('.')[1] ?? ''}`)).toEqual([])
  })
})

describe('a table for a spreadsheet', () => {
  it('has a byte order mark, its delimiter and no formulas, and is continued', async () => {
    using place = new Place()
    place.write({
      'in.jsonl': jsonl([
        { '=id': "'=1", text: '-payments; fail' },
        { '=id': -5, text: '@returns' },
      ]),
    })
    const style = ['--bom', '--output-delimiter', ';', '--escape-formulas']
    expect((await place.to('out.csv', ...style, '--limit', '1')).code).toBe(0)
    const { code, stdout } = await place.to('out.csv', ...style)
    expect({ code, ...summary(stdout).records }).toMatchObject({ code: 0, done: 2, earlier: 1 })
    expect(place.read('out.csv')).toBe(
      "\ufeff'=id;text;label;_index;_error;_more\n''=1;\"'-payments; fail\";payments;0;;\n-5;'@returns;returns;1;;\n",
    )
    expect((await place.to('out.csv', '--bom', '--escape-formulas')).code).toBe(2)
  })

  it('says how many cells may be formulas', async () => {
    using place = new Place()
    place.write({
      'in.jsonl': jsonl([
        { id: '=1', text: '-payments' },
        { id: -5, text: 'returns' },
      ]),
    })
    const args = [...place.job(), ...options, '-o', 'out.csv']
    const run = await place.run(args, { isLoud: true })
    expect(run).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('2 cells begin with = + - or @') as string,
    })
  })

  it.each([
    [['--bom'], '--bom: expected an output of CSV or TSV, got jsonl'],
    [['--escape-formulas', '-o', 'a.json'], '--escape-formulas: expected an output of CSV or TSV, got json'],
    [['--output-delimiter', ';', '-o', 'a.tsv'], '--output-delimiter: expected an output of CSV, got tsv'],
    [
      ['--output-delimiter', '::', '-o', 'a.csv'],
      '--output-delimiter: expected one ASCII character, no space and no quote, got "::"',
    ],
    [['-o', '/dev/null', '--output-format', 'json'], '--output: json needs a file, which /dev/null is not'],
    [
      ['--rejects', 'a.json'],
      '--rejects: expected a name that ends in one of .jsonl, .csv, .tsv, got a.json',
    ],
  ])('refuses %j', async (flags, message) => {
    using place = new Place()
    const { code, stderr } = await place.run([...place.job(), ...options, ...flags])
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string })
  })

  it('keeps the columns of an input without a row', async () => {
    using place = new Place()
    place.write({ 'in.csv': 'id,text\r\n' })
    const { code } = await place.run([...place.job(['in.csv']), ...options, '-o', 'out.csv'])
    expect(code).toBe(0)
    expect(place.read('out.csv')).toBe('id,text,label,_index,_error,_more\n')
  })
})
