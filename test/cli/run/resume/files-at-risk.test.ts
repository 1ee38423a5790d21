import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'
import {
  atOnce,
  bareEnv,
  jsonl,
  main,
  messages,
  parseLines,
  startCli,
  Workplace,
} from '../../../helpers/cli.ts'
import { isSoak } from '../../../helpers/properties.ts'
import { startRecordingServer } from '../../../helpers/recording-server.ts'

/** Number of tries to find runs that disturb each other. */
const ROUNDS = isSoak ? 5 : 1

const latency = {
  timeToFirstToken: 0,
  outputTokensPerSecond: Infinity,
  promptTokensPerSecond: Infinity,
  slowdown: 0,
}
const indexes = (place: Workplace, name = 'out.jsonl') =>
  place
    .rows(name)
    .map(({ _index }) => Number(_index))
    .sort((a, b) => a - b)

describe('a torn end', () => {
  test('of a table is repaired wherever it was torn, also within a cell of several lines or the header', async () => {
    const text = 'id,text\n1,"shipping\nline two"\n2,"returns\nsecond, ""q"" line\nthird"\n3,payments\n'
    using place = new Workplace({ 'in.csv': text })
    const args = [...place.job(['in.csv']), '--field', 'text', '--ordered', '-o', 'out.csv', ...atOnce]
    expect((await place.run(args)).code).toBe(0)
    const whole = place.read('out.csv')
    // A cut at each place would need too many processes. These cuts are next to a quote, a comma or
    // a line end.
    const cuts = [...whole.matchAll(/[",\n]/g)].flatMap(({ index }) => [index, index + 1])
    for (const cut of new Set(cuts.filter((_, i) => i % 3 === 0))) {
      truncateSync(join(place.path, 'out.csv'), 0)
      writeFileSync(join(place.path, 'out.csv'), whole.slice(0, cut))
      expect(await place.run(args), `cut at ${cut}`).toEqual({ code: 0, stdout: '', stderr: '' })
      expect(place.read('out.csv'), `cut at ${cut}`).toBe(whole)
    }
  })
})

describe('files of the user', () => {
  const mine = ['my note without a line end', 'my note\n', 'id,text,label,_index,_error,_more\n']
  test.each(mine)('%j is left alone as an output, forced or not', async (note) => {
    using place = new Workplace({ 'in.jsonl': jsonl(messages(3)), 'out.jsonl': note, 'out.csv': note })
    for (const out of ['out.jsonl', 'out.csv']) {
      for (const flags of [[], ['--force']]) {
        expect((await place.run([...place.job(), '-o', out, ...flags, ...atOnce])).code).toBe(2)
        expect(place.read(out)).toBe(note)
      }
    }
  })

  test('rejects of another job, or a note, are neither cut nor used for this job', async () => {
    const rejects = '{"id":"x","_index":0,"_error":{"code":"c","message":"m"}}\n'
    using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
    const args = [...place.job(), '-o', 'out.jsonl', ...atOnce]
    await place.run([...args, '--limit', '1'])
    for (const content of [rejects, 'notes: call Anna']) {
      place.write({ 'mine.jsonl': content })
      for (const flags of [[], ['--force']]) {
        const { code, stderr } = await place.run([...args, '--rejects', 'mine.jsonl', ...flags])
        expect(code).toBe(2)
        expect(stderr).toContain('mine.jsonl exists already, and is not from this job')
        expect(place.read('mine.jsonl')).toBe(content)
      }
    }
  })

  test('rejects that two jobs write are neither cut nor used for the other job', async () => {
    using place = new Workplace({ 'a.jsonl': jsonl(messages(10)) })
    place.write({ 'b.jsonl': `${jsonl(messages(5))}broken\n` })
    const job = (name: string) => {
      const files = ['-o', `${name}-out.jsonl`, '--rejects', 'rejects.jsonl']
      return place.run([...place.job([`${name}.jsonl`]), ...files, ...atOnce])
    }
    expect((await job('a')).code).toBe(0)
    expect((await job('b')).code).toBe(1)
    const rejects = place.read('rejects.jsonl')
    const { code, stderr } = await job('a')
    expect(code).toBe(2)
    expect(stderr).toContain('rejects.jsonl:1: the output has no such rejected row')
    expect(place.read('rejects.jsonl')).toBe(rejects)
    // The run fills a deleted file again from the output.
    rmSync(join(place.path, 'rejects.jsonl'))
    expect((await job('b')).code).toBe(1)
    expect(place.read('rejects.jsonl')).toBe(rejects)
  })

  test('rejects that one run of a job does not name still belong to the job', async () => {
    using place = new Workplace({ 'in.jsonl': `broken\n${jsonl(messages(3))}broken\n` })
    const args = [...place.job(), '-o', 'out.jsonl', ...atOnce]
    const rejects = ['--rejects', 'rejects.jsonl']
    expect((await place.run([...args, ...rejects, '--limit', '2'])).code).toBe(1)
    expect((await place.run(args)).code).toBe(1)
    expect((await place.run([...args, ...rejects])).code).toBe(1)
    expect(indexes(place, 'rejects.jsonl')).toEqual([0, 4])
  })

  test('--overwrite moves nothing before the command is checked', async () => {
    using place = new Workplace({ 'in.csv': 'id,text\n1,shipping\n' })
    const args = [...place.job(['in.csv']), '-o', 'out.jsonl', ...atOnce]
    await place.run(args)
    const before = place.read('out.jsonl')
    expect((await place.run([...args, '--field', 'txet', '--overwrite'])).code).toBe(2)
    expect(place.read('out.jsonl')).toBe(before)
    // With --overwrite, an unreadable state does not stop the run.
    place.write({ 'out.jsonl.run.json': '{' })
    expect((await place.run(args)).stderr).toContain('out.jsonl.run.json cannot be used')
    expect((await place.run([...args, '--overwrite'])).code).toBe(0)
  })
})

test('rows that another limit cuts in another way are other records', async () => {
  const text = 'id,text\n1,"a, b\nx,y\nz,w\nq,r\n"\n2,two\n3,three\n4,four\n'
  using place = new Workplace({ 'in.csv': text })
  const args = [...place.job(['in.csv']), '-o', 'out.jsonl', ...atOnce]
  await place.run([...args, '--max-record-bytes', '12', '--limit', '3'])
  const { code, stdout } = await place.run([...args, '--json'])
  expect(code).toBe(0)
  const others = place.rows('out.jsonl').filter(({ _error }) => _error !== undefined)
  expect(others).toHaveLength(1)
  expect(JSON.parse(stdout)).toMatchObject({ records: { done: 4, others: 3 } })
})

test('another format of the output is noticed', async () => {
  using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
  const args = [...place.job(), '-o', 'out.jsonl', ...atOnce]
  await place.run(args)
  expect((await place.run([...args, '--output-format', 'csv'])).stderr).toContain('the format of the output')
})

test('a change of API, examples, template, prefix or request is noticed', async () => {
  using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
  place.write({ 'examples.jsonl': '{"record":"x","value":{"label":"returns"}}\n' })
  const args = [...place.job(), '-o', 'out.jsonl', ...atOnce]
  await place.run(args)
  for (const [flags, what] of [
    [['--api', 'responses'], 'the API'],
    [['--examples', 'examples.jsonl'], 'the examples'],
    [['--template', '{{text}}'], '--template'],
    [['--prefix', 'p_'], '--prefix'],
    [['--request', '{"seed":1}'], 'the request'],
  ] as const) {
    const { code, stderr } = await place.run([...args, ...flags])
    expect({ code, flags }).toEqual({ code: 2, flags })
    expect(stderr).toContain(what)
  }
})

describe('rejects as an input', () => {
  const input =
    '{"id":1,"text":"about shipping","n":{"a":"x"}}\nbroken\n{"id":2,"text":null,"n":{"a":"y"}}\n{"id":3}\n{"id":4,"text":" "}\n'

  test.each(['csv', 'jsonl'])('as %s: records that cannot be asked are not asked', async (format) => {
    await using server = await startRecordingServer({ latency })
    const env = { OPENAI_BASE_URL: server.baseURL }
    using place = new Workplace({ 'in.jsonl': input })
    const field = ['--field', 'text']
    const first = await place.run([...place.job(), ...field, '-o', 'a.jsonl', '--rejects', `r1.${format}`], {
      env,
    })
    expect(first.code).toBe(1)
    const requests = server.requests.length
    for (const [from, to] of [
      ['r1', 'r2'],
      ['r2', 'r3'],
    ] as const) {
      const args = [
        ...place.job([`${from}.${format}`]),
        ...field,
        '-o',
        `${to}-out.jsonl`,
        '--rejects',
        `${to}.${format}`,
      ]
      expect((await place.run(args, { env })).code).toBe(1)
      expect(indexes(place, `${to}-out.jsonl`)).toEqual([0, 1, 2, 3])
      for (const row of place.rows(`${to}-out.jsonl`)) expect(row).toHaveProperty('_error')
    }
    expect(server.requests).toHaveLength(requests)
    expect(JSON.stringify(place.rows('r3-out.jsonl'))).toContain('broken')
  })

  test.each(['csv', 'jsonl'])(
    'as %s: a row that was too long, and a row with its own _raw',
    async (format) => {
      const input = `{"text":"${'x'.repeat(2_000)}"}\n[1]\n{"_raw":"splunk","text":" "}\n`
      using place = new Workplace({ 'in.jsonl': `${jsonl(messages(1))}${input}` })
      const field = ['--field', 'text', '--max-record-bytes', '1000', '--ordered', ...atOnce]
      await place.run([...place.job(), ...field, '-o', 'a.jsonl', '--rejects', `r.${format}`])
      // Without --field, the text would be the whole record.
      const { code, stdout } = await place.run([...place.job([`r.${format}`]), '--ordered', ...atOnce])
      expect(code).toBe(1)
      expect(parseLines(stdout)).toMatchObject([
        { _error: { code: 'unreadable' } },
        { _raw: '[1]', _error: { code: 'unreadable' } },
        { _raw: 'splunk', text: ' ', label: expect.any(String) as string },
      ])
    },
  )

  test('as csv: numbers without a column keep their digits', async () => {
    const input = '{"text":"","id":1}\n{"text":"","id":2,"n":12345678901234567890}\n'
    using place = new Workplace({ 'in.jsonl': input })
    const field = ['--field', 'text', '--ordered', ...atOnce]
    await place.run([...place.job(), ...field, '-o', 'o.csv', '--rejects', 'r.csv'])
    const again = [...place.job(['r.csv']), '--field', 'id', '-o', 'o2.jsonl', '--ordered', ...atOnce]
    expect((await place.run(again)).code).toBe(0)
    expect(place.read('o2.jsonl')).toContain('"n":12345678901234567890,')
  })

  test('a row without the column is rejected, also as the first of a table, and the others are asked', async () => {
    const rows = ['{"id":0,"meta":{"text":"shipping"}}', '{"id":1,"meta":{}}', '{"id":2,"meta":{"text":" "}}']
    using place = new Workplace({ 'in.jsonl': rows.join('\n') })
    const job = (input: string, ...flags: string[]) =>
      place.run([...place.job([input]), '--field', 'meta.text', ...flags, ...atOnce])
    expect((await job('in.jsonl', '-o', 'out.jsonl', '--rejects', 'rejects.csv')).code).toBe(1)
    expect((await job('rejects.csv', '-o', 'again.jsonl')).code).toBe(1)
    expect(indexes(place, 'again.jsonl')).toEqual([0, 1])
  })

  test('a column within a column is found again in a table', async () => {
    using place = new Workplace({ 'in.csv': `n\n"{""a"":""shipping""}"\n"{""b"":1}"\n` })
    const { code, stdout } = await place.run([...place.job(['in.csv']), '--field', 'n.a', ...atOnce])
    expect(code).toBe(1)
    expect(parseLines(stdout).find(({ _index }) => _index === 0)).toMatchObject({ label: 'shipping' })
  })
})

describe("columns of the user's own with our names", () => {
  test('are not dropped: the message says to rename them', async () => {
    using place = new Workplace({ 'in.jsonl': '{"_index":"logs-2024","text":"shipping"}\n' })
    const { code, stderr } = await place.run([...place.job(), ...atOnce])
    expect(code).toBe(2)
    expect(stderr).toContain('in.jsonl:1: a column "_index" has a meaning in an output: rename it')
  })

  test('reject a row that is not the first, and the run goes on', async () => {
    const odd = '{"_index":500,"_more":"keep me","_error":"mine","text":"a"}'
    using place = new Workplace({ 'in.jsonl': `${jsonl(messages(1))}${odd}\n${jsonl(messages(1))}` })
    const { code, stdout } = await place.run([...place.job(), '--field', 'text', '--ordered', ...atOnce])
    expect(code).toBe(1)
    expect(parseLines(stdout)).toMatchObject([
      { label: 'shipping' },
      {
        _raw: odd,
        _index: 1,
        _error: {
          code: 'reserved_column',
          message: expect.stringMatching(/^in\.jsonl:2: a column/) as string,
        },
      },
      { label: 'shipping' },
    ])
  })

  test('_raw is nothing special', async () => {
    using place = new Workplace({ 'in.jsonl': '{"_raw":"splunk","text":"shipping"}\n' })
    const { code, stdout } = await place.run([...place.job(), '--field', 'text', ...atOnce])
    expect(code).toBe(0)
    expect(parseLines(stdout)).toEqual([{ _raw: 'splunk', text: 'shipping', label: 'shipping', _index: 0 }])
  })
})

test('a record that always makes the server fail is rejected in the end, and the run ends', async () => {
  await using simulator = await startSimulator({ latency, faults: { poison: { server_error: /number 5:/ } } })
  using place = new Workplace({ 'in.jsonl': jsonl(messages(6)) })
  const env = { OPENAI_BASE_URL: simulator.baseURL }
  const args = [...place.job(), '-o', 'out.jsonl', '--max-attempts', '2']
  expect((await place.run([...args, '--limit', '5'], { env })).code).toBe(0)
  // Only this record is left.
  expect((await place.run(args, { env })).code).toBe(1)
  expect(place.rows('out.jsonl').find(({ _index }) => _index === 5)).toMatchObject({
    _error: { code: 'request_failed' },
  })
})

test('two runs that begin together: one of them writes', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    using place = new Workplace({ 'in.jsonl': jsonl(messages(60)) })
    const args = [...place.job(), '-o', 'out.jsonl', ...atOnce]
    const ended = await Promise.all([1, 2, 3].map(() => startCli(args, { cwd: place.path }).ended))
    for (const { code, stderr } of ended) {
      if (code !== 0) expect(stderr).toMatch(/^out\.jsonl is being written by another run/)
    }
    expect(ended.some(({ code }) => code === 0)).toBe(true)
    expect(indexes(place)).toEqual([...Array(60).keys()])
    expect(readdirSync(place.path).sort()).toEqual([
      'in.jsonl',
      'labels.txt',
      'out.jsonl',
      'out.jsonl.run.json',
    ])
  }
})

test('no file contains a secret', async () => {
  await using simulator = await startSimulator({ latency })
  using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
  const url = `${simulator.baseURL}?api-key=TOPSECRET`
  const env = { OPENAI_BASE_URL: url, OPENAI_API_KEY: 'KEYSECRET', OPENAI_LOG: 'debug' }
  const request = ['--request', '{"user":"USERSECRET"}']
  const args = [...place.job(), '-o', 'out.jsonl', '--json', ...request]
  const { stdout, stderr } = await place.run(args, { env })
  const state = place.read('out.jsonl.run.json')
  for (const secret of ['TOPSECRET', 'KEYSECRET', 'USERSECRET', 'Say what it is about']) {
    expect(state).not.toContain(secret)
    expect(stdout).not.toContain(secret)
  }
  // The log, which the test turns on, shows the request, and no key. It is not among the records.
  expect(stderr).toMatch(/^POST http\S+\/chat\/completions \{.*USERSECRET.*\}\n200 from http/)
  expect(stderr).not.toMatch(/TOPSECRET|KEYSECRET/)
  expect(stdout.trim().split('\n')).toHaveLength(1)
})

test('an output is the same under any of its names', async () => {
  using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
  const job = (out: string, ...flags: string[]) => place.run([...place.job(), '-o', out, ...flags, ...atOnce])
  expect((await job('out.jsonl', '--limit', '1')).code).toBe(0)
  symlinkSync('out.jsonl', join(place.path, 'link.jsonl'))
  expect(await job('link.jsonl')).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(indexes(place)).toEqual([0, 1, 2])
  // Also an output that does not exist yet.
  symlinkSync('new.jsonl', join(place.path, 'to-new.jsonl'))
  expect((await job('to-new.jsonl', '--limit', '1')).code).toBe(0)
  expect(await job('to-new.jsonl')).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(indexes(place, 'new.jsonl')).toEqual([0, 1, 2])
})

test('a table has only columns that a later run can read', async () => {
  using place = new Workplace({ 'in.jsonl': '{"a\\rb":1,"":2,"text":"shipping"}\n{"text":"returns"}\n' })
  const args = [...place.job(), '-o', 'out.csv', '--field', 'text', '--ordered', ...atOnce]
  expect((await place.run([...args, '--limit', '1'])).code).toBe(0)
  expect(await place.run(args)).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(place.read('out.csv').split('\n')).toEqual([
    'text,label,_index,_error,_more',
    'shipping,shipping,0,,"{""a\\rb"":1,"""":2}"',
    'returns,returns,1,,',
    '',
  ])
})

test('bad rows do not decide the columns', async () => {
  const text = '[1]\n{"_index":"x","text":"a"}\n{"id":1,"text":"shipping"}\n'
  using place = new Workplace({ 'in.jsonl': text })
  const args = [...place.job(), '-o', 'out.csv', '--field', 'text', ...atOnce]
  expect((await place.run(args)).code).toBe(1)
  expect(place.read('out.csv').split('\n')[0]).toBe('id,text,label,_index,_error,_more')
})

test('a glob does not use the output as an input', async () => {
  using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
  const args = [...place.job(['*.jsonl']), '-o', 'out.jsonl', '--rejects', 'rejects.jsonl', ...atOnce]
  expect((await place.run(args)).code).toBe(0)
  expect((await place.run(args)).code).toBe(0)
  expect(place.rows('out.jsonl')).toHaveLength(3)
  expect(existsSync(join(place.path, 'rejects.jsonl'))).toBe(true)
})

test('the message says correctly how to go on', async () => {
  await using simulator = await startSimulator({ latency, apiKey: 'right' })
  using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
  const env = { OPENAI_BASE_URL: simulator.baseURL, OPENAI_API_KEY: 'wrong' }
  const last = async (args: string[], input?: string) => {
    const { stderr } = await place.run([...args, '-o', 'out.jsonl'], {
      env,
      ...(input === undefined ? {} : { input }),
    })
    return stderr.trimEnd().split('\n').at(-1)
  }
  expect(await last(place.job())).toBe('out.jsonl has 0 records. Run the same command again to go on.')
  expect(await last([...place.job(), '--overwrite'])).toBe(
    'out.jsonl has 0 records. Run the same command without --overwrite to go on.',
  )
  expect(await last([...place.job(['-']), '--overwrite'], jsonl(messages(3)))).toContain(
    'without --overwrite',
  )
  expect(await last(place.job(['-']), jsonl(messages(3)))).toContain('again to go on')
  place.write({ 'in.jsonl': `${jsonl(messages(3))}broken\n${jsonl(messages(1))}` })
  env.OPENAI_API_KEY = 'right'
  expect(await last([...place.job(), '--overwrite', '--strict'])).toMatch(
    /^out\.jsonl has 3 records\. Mend the input, and run the same command without --overwrite to go on\.$/,
  )
  place.write({ 'in.jsonl': jsonl(messages(5)) })
  expect((await place.run([...place.job(), '--strict', '-o', 'out.jsonl'], { env })).code).toBe(0)
  expect(indexes(place)).toEqual([0, 1, 2, 3, 4])
})

/** This computer, as a lock names it. */
function thisHost(): string {
  const space = '/proc/self/ns/pid'
  return existsSync(space) ? `${hostname()} ${readlinkSync(space)}` : hostname()
}

describe('files of an earlier run', () => {
  const owner = (values: Record<string, unknown> = {}) =>
    JSON.stringify({ pid: process.pid, host: thisHost(), began: '1', ...values })

  test.each([
    ['another process has now', owner()],
    ['nobody has now', owner({ pid: 2 ** 22 + 1 })],
    ['was not written to its end', '{"pid":'],
  ])('whose number %s do not block a run', async (_, lock) => {
    using place = new Workplace({ 'in.jsonl': jsonl(messages(3)), 'out.jsonl.run.lock': lock })
    const ended = await place.run([...place.job(), ...atOnce, '-o', 'out.jsonl'])
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(indexes(place)).toEqual([0, 1, 2])
    expect(readdirSync(place.path)).not.toContain('out.jsonl.run.lock')
  })

  test.skipIf(process.platform !== 'linux')(
    'whose process is dead but not reaped do not block a run',
    async () => {
      using place = new Workplace({ 'in.jsonl': jsonl(messages(30)) })
      const slow = [...place.job(), '-o', 'out.jsonl', '--simulate', '--time-to-first-token', '60000']
      const command = [process.execPath, main, ...slow].map((arg) => `'${arg}'`).join(' ')
      const parent = spawn('bash', ['-c', `${command} & echo $!; exec sleep 600`], {
        cwd: place.path,
        env: bareEnv,
      })
      try {
        const [pid] = (await once(parent.stdout, 'data')) as [Buffer]
        while (!existsSync(join(place.path, 'out.jsonl.run.json'))) await sleep(50)
        process.kill(Number(pid), 'SIGKILL')
        while (!readFileSync(`/proc/${Number(pid)}/stat`, 'utf8').includes(') Z ')) await sleep(10)
        expect((await place.run([...place.job(), '-o', 'out.jsonl', ...atOnce])).code).toBe(0)
      } finally {
        parent.kill('SIGKILL')
      }
    },
  )

  test('of another computer block a run while they are touched, also with --force', async () => {
    using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
    const lock = owner({ host: 'another' })
    for (const file of ['out.jsonl', 'rejects.jsonl']) {
      place.write({ [`${file}.run.lock`]: lock })
      const args = [...place.job(), ...atOnce, '-o', 'out.jsonl', '--rejects', 'rejects.jsonl', '--force']
      const { code, stderr } = await place.run(args)
      expect(code).toBe(2)
      expect(stderr).toContain(`${file} is being written by another run, process ${process.pid}, elsewhere`)
      expect(place.read(`${file}.run.lock`)).toBe(lock)
      const before = Date.now() / 1_000 - 61
      utimesSync(join(place.path, `${file}.run.lock`), before, before)
      expect((await place.run(args)).code).toBe(0)
    }
  })

  test('of a dead run are taken over by one of many runs', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      using place = new Workplace({ 'in.jsonl': jsonl(messages(40)), 'out.jsonl.run.lock': owner() })
      const args = [...place.job(), '-o', 'out.jsonl', ...atOnce]
      const runs = Array.from({ length: 5 }, () => startCli(args, { cwd: place.path }).ended)
      const ended = await Promise.all(runs)
      for (const { code, stderr } of ended) {
        if (code !== 0) expect(stderr).toMatch(/^out\.jsonl is being written by another run/)
      }
      expect(ended.some(({ code }) => code === 0)).toBe(true)
      expect(indexes(place)).toEqual([...Array(40).keys()])
      expect(readdirSync(place.path).filter((name) => name.includes('.run.'))).toEqual(['out.jsonl.run.json'])
    }
  })

  test('that a glob finds are no input, and neither are their state files', async () => {
    using place = new Workplace({ 'in.json': JSON.stringify(messages(3)) })
    const args = [...place.job(['*.json*']), ...atOnce, '-o', 'out.jsonl']
    expect(await place.run(args)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await place.run(args)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(indexes(place)).toEqual([0, 1, 2])
  })
})
