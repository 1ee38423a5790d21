import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import { existsSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { parseHTML } from 'linkedom'
import { describe, expect, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'
import { runCli } from '../../../src/cli/run-cli.ts'
import { atOnce, bareEnv, jsonl, messages, wholePacks, Workplace } from '../../helpers/cli.ts'

/** The text of a page, as a reader sees it. */
function textOf(page: string): string {
  const { document } = parseHTML(page) as unknown as {
    readonly document: { readonly querySelector: (name: string) => { readonly textContent: string } }
  }
  return document.querySelector('body').textContent.replace(/\s+/g, ' ')
}

const input = jsonl([...messages(9), { id: 'id-9' }])
const job = (place: Workplace, ...more: string[]) => [
  ...[...place.job(), '--field', 'text', ...more],
  ...[...atOnce, ...wholePacks],
]

describe('run --report', () => {
  test.each(['out.jsonl', 'out.csv', 'out.tsv', 'out.json', 'out.parquet'])(
    'makes a page about %s, which `report` makes again',
    async (output) => {
      using place = new Workplace({ 'in.jsonl': input })
      const prices = ['--price-in', '1', '--price-out', '2']
      const { code } = await place.run(job(place, '-o', output, '--report', 'page.html', ...prices))
      expect(code).toBe(1)
      const text = textOf(place.read('page.html'))
      for (const part of [
        'Complete. 9 of 10 records have their result, 1 was rejected. The simulator answered, which is no model.',
        'Cost $0.0',
        'label 9 values, 3 different. The commonest is “payments” with 33%.',
        '1 missing_column: there is no column "text"',
        'What to do: Check --field or --template.',
        'in.jsonl:10: there is no column "text"',
        'Records per second',
        'Message number 4',
        `run in.jsonl --labels labels.txt --prompt 'Say what it is about.' --model m --field text -o ${output}`,
      ]) {
        expect(text).toContain(part)
      }
      const again = await place.run(['report', output])
      expect(again).toEqual({ code: 0, stdout: `${output}.html\n`, stderr: '' })
      // The file beside the output does not keep the prompt.
      expect(textOf(place.read(`${output}.html`))).toContain("--prompt '***' --model m")
      const without = (page: string) =>
        page.replace(/Made by llm-pack-stream .* UTC/s, '').replace('Say what it is about.', '***')
      expect(without(place.read(`${output}.html`))).toBe(without(place.read('page.html')))
    },
  )

  test('leaves other files beside the page as they are', async () => {
    using place = new Workplace({ 'in.jsonl': input, 'page.html.new': 'of a person' })
    await place.run(job(place, '-o', 'out.jsonl', '--report', 'page.html'))
    expect(place.read('page.html.new')).toBe('of a person')
    expect(readdirSync(place.path).filter((name) => name.startsWith('page.html'))).toEqual([
      'page.html',
      'page.html.new',
    ])
  })

  test('makes a page about records on standard output', async () => {
    using place = new Workplace({ 'in.jsonl': input })
    const { code, stdout } = await place.run(job(place, '--report', 'page.html'))
    expect([code, stdout.split('\n').length]).toEqual([1, 11])
    expect(textOf(place.read('page.html'))).toContain(
      'standard output Complete. 9 of 10 records have their result, 1 was rejected.',
    )
  })

  test('sums up and lists all runs of an output', async () => {
    using place = new Workplace({ 'in.jsonl': input })
    const all = job(place, '-o', 'out.jsonl', '--report', 'page.html')
    await place.run([...all, '--limit', '4'])
    await place.run(all)
    const text = textOf(place.read('page.html'))
    expect(text).toContain('2 runs wrote this output')
    expect(text).toContain('Complete. 9 of 10 records have their result, 1 was rejected.')
  })

  test('says why a run had to stop', async () => {
    using place = new Workplace({ 'in.jsonl': input })
    const prices = ['--price-in', '1000', '--price-out', '1000', '--max-cost', '0.01']
    const { code } = await place.run(job(place, '-o', 'out.jsonl', '--report', 'page.html', ...prices))
    expect(code).toBe(3)
    expect(textOf(place.read('page.html'))).toMatch(
      /The run had to stop\. .*--max-cost: .* No record has a result/,
    )
  })

  test('says that rejected records ended the run', async () => {
    using place = new Workplace({
      'in.jsonl': jsonl([...messages(3), ...messages(40).map(({ id }) => ({ id }))]),
    })
    const { code } = await place.run(
      job(place, '-o', 'out.jsonl', '--report', 'page.html', '--max-rejects', '5'),
    )
    expect(code).toBe(4)
    const text = textOf(place.read('page.html'))
    expect(text).toMatch(/The run had to stop\. .*--max-rejects/)
    expect(text).toMatch(/records have no result\. .*\d missing_column: there is no column "text"/)
  })

  test.each([
    [1, /The run was interrupted\. (\d+) of \1 records have their result\./],
    [2, /The run was interrupted\. .*aborted when the run ended/],
  ])('makes the page after Ctrl-C, %i times', async (times, expected) => {
    // An answer of 25 records takes seconds.
    await using slow = await startSimulator({ latency: { timeToFirstToken: 0, outputTokensPerSecond: 300 } })
    using place = new Workplace({ 'in.jsonl': jsonl(messages(200)) })
    const path = (name: string): string => join(place.path, name)
    const streams = {
      stdin: new PassThrough(),
      stdout: new PassThrough(),
      stderr: new PassThrough().resume(),
    }
    const env = { ...bareEnv, OPENAI_API_KEY: 'k', OPENAI_BASE_URL: slow.baseURL }
    const io = Object.assign(new EventEmitter(), { ...streams, env, pid: 7, kill: () => true })
    const press = (): void => {
      unsubscribe('llm-pack-stream:element', press)
      setImmediate(() => {
        for (let i = 0; i < times; i += 1) io.emit('SIGINT', 'SIGINT')
      })
    }
    subscribe('llm-pack-stream:element', press)
    const made = ['-o', path('out.json'), '--report', path('page.html')]
    const task = ['--labels', path('labels.txt'), '--prompt', 'x', '--model', 'm', '--max-in-flight', '2']
    expect(await runCli(['run', path('in.jsonl'), ...task, ...made], io)).toBe(130)
    const page = textOf(place.read('page.html'))
    expect(page).toMatch(expected)
    const rows = JSON.parse(place.read('out.json')) as unknown[]
    expect(page).toContain(`Records ${rows.length} `)
  })

  test('makes a page without any record', async () => {
    using place = new Workplace({ 'in.jsonl': '' })
    const { code } = await place.run(job(place, '-o', 'out.jsonl', '--report', 'page.html'))
    expect(code).toBe(0)
    expect(textOf(place.read('page.html'))).toContain('There is no record.')
  })

  test('has no secret', async () => {
    using place = new Workplace({ 'in.jsonl': input })
    const request = ['--request', '{"user":"u-hunter22","metadata":{"api_key":"geheim"}}']
    const env = { MY_TOKEN: 'hunter22' }
    await place.run(job(place, '-o', 'out.jsonl', '--report', 'page.html', ...request), { env })
    expect(place.read('page.html')).toContain('u-***')
    expect(place.read('out.jsonl.run.json')).toContain(`--request '***'`)
    for (const file of ['page.html', 'out.jsonl.run.json']) {
      expect(place.read(file)).not.toMatch(/hunter22|geheim/)
    }
  })

  test.each([
    ['page.html', 'not a report of llm-pack-stream'],
    ['none/page.html', 'there is no folder none'],
    ['folder', 'folder is not a file'],
    ['./out.jsonl', 'is the file of --output too'],
  ])('stops before it sends anything: %s', async (page, message) => {
    using place = new Workplace({ 'in.jsonl': input, 'page.html': '<h1>Mine</h1>', 'folder.txt': '' })
    symlinkSync('.', join(place.path, 'folder'))
    const { code, stderr } = await place.run(job(place, '-o', 'out.jsonl', '--report', page))
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
    expect(existsSync(join(place.path, 'out.jsonl'))).toBe(false)
    expect(place.read('page.html')).toBe('<h1>Mine</h1>')
  })

  test('loses no result if the page cannot be written', async () => {
    using place = new Workplace({ 'in.jsonl': input })
    // The name has room for no ending, so the draft beside it cannot be made.
    const page = 'p'.repeat(252)
    const { code, stderr } = await place.run(job(place, '-o', 'out.jsonl', '--report', page))
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /The report p+ could not be written: ENAMETOOLONG.*The results are safe in out\.jsonl\./,
    )
    expect(place.rows('out.jsonl')).toHaveLength(10)
  })
})

describe('report', () => {
  test.each(['out.json', 'out.parquet'])(
    'reads the journal of %s after a kill, and errors does',
    async (output) => {
      using place = new Workplace({ 'in.jsonl': input })
      await place.run(job(place, '-o', 'rows.jsonl'))
      place.write({ [`${output}.run.jsonl`]: `${place.read('rows.jsonl')}{"id":"id-2","te` })
      expect(await place.run(['report', output])).toMatchObject({ code: 0, stdout: `${output}.html\n` })
      const text = textOf(place.read(`${output}.html`))
      for (const part of [
        `No run has finished ${output} yet. These are the rows of ${output}.run.jsonl`,
        '9 of 10 records have their result, 1 was rejected.',
        'Rows of the output that cannot be read: 1.',
      ]) {
        expect(text).toContain(part)
      }
      const { code, stdout } = await place.run(['errors', output])
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^1 of 11 rows .* was rejected\./)])
    },
  )

  test('shows what an output alone tells, and says so', async () => {
    using place = new Workplace({
      'labels.csv': 'id,text,label,_index,_error,_more\n1,a,x,0,,\n2,b,,1,refused: no,\n3,c,x,2,,\n',
      'mine.json': JSON.stringify([{ label: 'x' }, { label: 'y' }]),
    })
    for (const [file, rows, share] of [
      ['labels.csv', 3, '100%'],
      ['mine.json', 2, '50%'],
    ] as const) {
      expect(await place.run(['report', file, '-o', 'page.html'])).toMatchObject({ code: 0 })
      const text = textOf(place.read('page.html'))
      expect(text).toContain(`There is no ${file}.run.json, in which a run keeps its times and costs.`)
      expect(text).toContain(`of ${rows} records have their result`)
      expect(text).toContain(share)
    }
  })

  test('leaves out runs that it cannot read', async () => {
    using place = new Workplace({
      'a.jsonl': '{"label":"x"}\n',
      'a.jsonl.run.json': '{"runs":[{"seconds":"x"}]}',
    })
    await place.run(['report', 'a.jsonl'])
    expect(textOf(place.read('a.jsonl.html'))).toContain('1 of the 1 runs')
    place.write({ 'a.jsonl.run.json': '{"runs":' })
    await place.run(['report', 'a.jsonl'])
    expect(textOf(place.read('a.jsonl.html'))).toContain('a.jsonl.run.json cannot be read')
  })

  test.each([
    [['none.jsonl'], 'there is no such file'],
    [['a.data'], 'Expected --format'],
    [['broken.json'], 'broken.json'],
    [['a.jsonl', '-o', 'a.data'], 'not a report'],
  ])('names a bad file: %j', async (args, message) => {
    using place = new Workplace({ 'a.data': 'x', 'a.jsonl': '', 'broken.json': '{' })
    const { code, stderr } = await place.run(['report', ...args])
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
    expect(readdirSync(place.path).filter((name) => name.endsWith('.html'))).toEqual([])
  })
})
