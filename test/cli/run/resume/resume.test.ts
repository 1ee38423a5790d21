import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'
import { jsonl, messages, startCli, Workplace } from '../../../helpers/cli.ts'
import { startRecordingServer } from '../../../helpers/recording-server.ts'

const RECORDS = 60
const latency = {
  timeToFirstToken: 0,
  outputTokensPerSecond: Infinity,
  promptTokensPerSecond: Infinity,
  slowdown: 0,
}

/** A job whose first half is done. */
async function halfDone(out = 'out.jsonl') {
  const server = await startRecordingServer({ latency })
  const place = new Workplace({ 'in.jsonl': jsonl(messages(RECORDS)) })
  const env = { OPENAI_BASE_URL: server.baseURL }
  const args = [...place.job(), '-o', out]
  const run = (...flags: string[]) => place.run([...args, ...flags], { env })
  expect(await run('--limit', '30')).toEqual({ code: 0, stdout: '', stderr: '' })
  return {
    ...{ server, place, run, env, args },
    async [Symbol.asyncDispose]() {
      place[Symbol.dispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

const all = [...Array(RECORDS).keys()]
const indexes = (place: Workplace) => place.rows('out.jsonl').map(({ _index }) => Number(_index))
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)

describe('the same command again', () => {
  test('goes on and asks no written record again, and asks nothing once all is done', async () => {
    await using job = await halfDone()
    expect((await job.run()).code).toBe(0)
    expect(sorted(indexes(job.place))).toEqual(all)
    expect([...job.server.asked.values()]).toEqual(all.map(() => 1))
    const before = job.place.read('out.jsonl')
    const { code, stdout } = await job.run('--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      records: { done: RECORDS, fulfilled: RECORDS, rejected: 0, earlier: RECORDS },
      stats: { requests: 0 },
    })
    expect(job.place.read('out.jsonl')).toBe(before)
    expect([...job.server.asked.values()]).toEqual(all.map(() => 1))
  })

  test('repairs a torn last line, torn at any place, in either format', async () => {
    for (const out of ['out.jsonl', 'out.csv']) {
      await using job = await halfDone(out)
      const path = join(job.place.path, out)
      const whole = job.place.read(out)
      // Each cut in the last two lines would need too many processes. These cuts are next to the
      // edges, and at some places between.
      const line = whole.slice(whole.lastIndexOf('\n', whole.length - 2) + 1)
      for (const cut of [1, 2, Math.floor(line.length / 2), line.length - 1, line.length, line.length + 1]) {
        writeFileSync(path, whole.slice(0, whole.length - cut))
        expect(await job.run('--limit', '30')).toEqual({ code: 0, stdout: '', stderr: '' })
        expect(job.place.read(out).split('\n').sort()).toEqual(whole.split('\n').sort())
      }
    }
  })

  test('in order stays in order', async () => {
    await using server = await startRecordingServer({ latency })
    using place = new Workplace({ 'in.jsonl': jsonl(messages(RECORDS)) })
    const env = { OPENAI_BASE_URL: server.baseURL }
    for (const limit of ['7', '30', '60']) {
      await place.run([...place.job(), '-o', 'out.jsonl', '--ordered', '--limit', limit], { env })
    }
    expect(indexes(place)).toEqual(all)
  })

  test('in order stays in order although a failing request delays others when the run stops', async () => {
    await using simulator = await startSimulator({
      latency: { ...latency, timeToFirstToken: 30 },
      faults: { rates: { server_error: 0.3 } },
    })
    using place = new Workplace({ 'in.jsonl': jsonl(messages(300)) })
    const env = { OPENAI_BASE_URL: simulator.baseURL }
    const args = [
      ...place.job(),
      '-o',
      'out.jsonl',
      '--ordered',
      '--max-pack-records',
      '5',
      '--max-attempts',
      '50',
    ]
    let stops = 0
    for (;;) {
      const enough = simulator.stats.requests + 20
      const { child, ended } = startCli(args, { cwd: place.path, env })
      const timer = setInterval(() => {
        if (simulator.stats.requests < enough) return
        clearInterval(timer)
        child.kill('SIGINT')
      }, 5)
      const { code } = await ended
      clearInterval(timer)
      expect(indexes(place)).toEqual([...Array(place.rows('out.jsonl').length).keys()])
      if (code === 0) break
      expect(code).toBe(130)
      stops += 1
    }
    expect(stops).toBeGreaterThan(1)
    expect(indexes(place)).toHaveLength(300)
  })

  test('keeps rejected records rejected, and in the rejects once', async () => {
    await using simulator = await startSimulator({
      latency,
      faults: { poison: { refusal: /number [0-9]*3:/ } },
    })
    using place = new Workplace({
      'in.jsonl': `${jsonl(messages(20))}broken\n${jsonl(messages(40).slice(20))}`,
    })
    const env = { OPENAI_BASE_URL: simulator.baseURL }
    const args = [...place.job(), '-o', 'out.jsonl', '--rejects', 'rejects.jsonl']
    expect((await place.run([...args, '--limit', '15'], { env })).code).toBe(1)
    // The state after a kill between the two writes: a row of the output is missing from the
    // rejects, or not whole.
    appendFileSync(
      join(place.path, 'out.jsonl'),
      `${JSON.stringify({ ...messages(34)[33], _index: 34, _error: { code: 'x', message: '' } })}\n`,
    )
    appendFileSync(join(place.path, 'rejects.jsonl'), '{"id"')
    expect((await place.run(args, { env })).code).toBe(1)
    expect(sorted(indexes(place))).toEqual([...Array(41).keys()])
    const rejected = place.rows('rejects.jsonl')
    expect(sorted(rejected.map(({ _index }) => Number(_index)))).toEqual([3, 13, 20, 24, 34])
    expect(rejected.find(({ _index }) => _index === 20)).toMatchObject({
      _raw: 'broken',
      _error: { code: 'invalid_json' },
    })
    expect((await place.run(args, { env })).code).toBe(1)
    expect(place.rows('rejects.jsonl')).toHaveLength(5)
  })
})

test('a rejects file that is new or was lost gets the records that earlier runs rejected', async () => {
  await using simulator = await startSimulator({
    latency,
    faults: { poison: { refusal: /number [0-9]*3:/ } },
  })
  const env = { OPENAI_BASE_URL: simulator.baseURL }
  for (const [out, rejects] of [
    ['out.jsonl', 'rejects.csv'],
    ['out.csv', 'rejects.jsonl'],
  ] as const) {
    using place = new Workplace({ 'in.jsonl': `${jsonl(messages(20))}broken\n` })
    await place.run([...place.job(), '-o', out], { env })
    const { code } = await place.run([...place.job(), '-o', out, '--rejects', rejects], { env })
    expect(code).toBe(1)
    if (rejects === 'rejects.jsonl') {
      const byIndex = place.rows(rejects).sort((a, b) => Number(a['_index']) - Number(b['_index']))
      expect(byIndex).toMatchObject([
        { id: 'id-3', _index: 3, _error: { code: 'refused' } },
        { id: 'id-13', _index: 13, _error: { code: 'refused' } },
        { _raw: 'broken', _index: 20, _error: { code: 'invalid_json' } },
      ])
      expect(byIndex[0]).not.toHaveProperty('label')
    } else {
      const [header, ...lines] = place.read(rejects).trimEnd().split('\n')
      expect(header).toBe('id,text,_index,_error,_more')
      expect(lines.sort()).toMatchObject([
        expect.stringMatching(/^,,20,"invalid_json: .*","{""_raw"":""broken""}"$/),
        expect.stringMatching(/^id-13,.*,13,refused: /),
        expect.stringMatching(/^id-3,.*,3,refused: /),
      ])
    }
  }
})

describe('a changed setting stops the run before it asks anything', () => {
  const change: [string, (place: Workplace) => string[], RegExp][] = [
    ['the prompt', () => ['--prompt', 'Another.'], /the instructions/],
    ['the model', () => ['--model', 'other'], /the model/],
    ['the request', () => ['--request', '{"temperature":1}'], /the request/],
    ['the text', () => ['--field', 'text'], /--field/],
    ['the order', () => ['--ordered'], /--ordered/],
    [
      'the labels',
      (place) => {
        place.write({ 'labels.txt': 'shipping\nreturns\nmoney\n' })
        return []
      },
      /schema/,
    ],
  ]
  test.each(change)('%s', async (_, apply, message) => {
    await using job = await halfDone()
    const before = job.place.read('out.jsonl')
    const flags = apply(job.place)
    const { code, stderr } = await job.run(...flags)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr).toContain('--force')
    expect(job.place.read('out.jsonl')).toBe(before)
    expect(job.server.asked.size).toBe(30)
    // With --force, the run goes on with the remaining records.
    expect((await job.run(...flags, '--force')).code).toBe(0)
    expect(new Set(indexes(job.place)).size).toBe(indexes(job.place).length)
    expect(indexes(job.place)).toEqual(expect.arrayContaining(all))
    // The new settings are valid from now on.
    expect((await job.run(...flags)).code).toBe(0)
  })

  test('another server', async () => {
    await using job = await halfDone()
    await using other = await startRecordingServer({ latency })
    const { code, stderr } = await job.place.run(job.args, { env: { OPENAI_BASE_URL: other.baseURL } })
    expect(code).toBe(2)
    expect(stderr).toContain('the server')
  })

  test('but no change of the input: records of standard input are known by their content', async () => {
    await using server = await startRecordingServer({ latency })
    using place = new Workplace()
    const input = jsonl(messages(RECORDS))
    const env = { OPENAI_BASE_URL: server.baseURL }
    const args = [...place.job(['-']), '-o', 'out.jsonl']
    expect((await place.run([...args, '--limit', '30'], { env, input })).code).toBe(0)
    expect(await place.run(args, { env, input })).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(sorted(indexes(place))).toEqual(all)
    expect([...server.asked.values()]).toEqual(all.map(() => 1))
  })

  test('unless only the speed changes', async () => {
    await using job = await halfDone()
    const flags = [
      '--max-in-flight',
      '1',
      '--max-pack-records',
      '5',
      '--rpm',
      '6000',
      '--price-in',
      '1',
      '--price-out',
      '1',
    ]
    expect((await job.run(...flags)).code).toBe(0)
    expect(sorted(indexes(job.place))).toEqual(all)
  })
})

describe('an output that a run cannot continue', () => {
  test('a file of the user is neither extended nor replaced', async () => {
    using place = new Workplace({
      'in.jsonl': jsonl(messages(3)),
      'out.jsonl': '{"mine":1}\n',
      'rejects.jsonl': '{"mine":2}\n',
    })
    const env = { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }
    const { code, stderr } = await place.run([...place.job(), '-o', 'out.jsonl'], { env })
    expect(code).toBe(2)
    expect(stderr).toContain('out.jsonl exists already')
    expect(stderr).toContain('--overwrite')
    const forced = await place.run([...place.job(), '-o', 'out.jsonl', '--force'], { env })
    expect(forced.code).toBe(2)
    expect(forced.stderr).toContain('out.jsonl:1: expected a row of an earlier run')
    const rejects = await place.run([...place.job(), '-o', 'new.jsonl', '--rejects', 'rejects.jsonl'], {
      env,
    })
    expect(rejects.stderr).toContain('rejects.jsonl exists already')
    expect([place.read('out.jsonl'), place.read('rejects.jsonl')]).toEqual(['{"mine":1}\n', '{"mine":2}\n'])
    expect(existsSync(join(place.path, 'new.jsonl'))).toBe(false)
  })

  test('--overwrite moves it to another name', async () => {
    await using job = await halfDone()
    const before = job.place.read('out.jsonl')
    expect((await job.run('--overwrite', '--model', 'other')).code).toBe(0)
    expect(sorted(indexes(job.place))).toEqual(all)
    expect(job.server.asked.get(0)).toBe(2)
    expect(job.place.read('out.jsonl.bak')).toBe(before)
    // The state went along.
    const back = await job.run('-o', 'out.jsonl.bak', '--output-format', 'jsonl', '--limit', '30')
    expect(back).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(job.server.asked.get(0)).toBe(2)
    // No backup replaces another.
    expect((await job.run('--overwrite', '--model', 'other')).code).toBe(0)
    expect(job.place.read('out.jsonl.bak')).toBe(before)
    expect(sorted(job.place.rows('out.jsonl.bak.2').map(({ _index }) => Number(_index)))).toEqual(all)
  })

  test('broken in the middle', async () => {
    await using job = await halfDone()
    const whole = job.place.read('out.jsonl')
    job.place.write({ 'out.jsonl': whole.replace('\n', '\nbroken\n') })
    expect((await job.run()).stderr).toMatch(/out\.jsonl:2: /)
  })

  test('but a row that stands there twice stays, and is counted', async () => {
    await using job = await halfDone()
    const whole = job.place.read('out.jsonl')
    const twice = whole + whole.slice(0, whole.indexOf('\n') + 1)
    job.place.write({ 'out.jsonl': twice })
    const { code, stdout } = await job.run('--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ records: { done: RECORDS, others: 1 } })
    expect(job.place.read('out.jsonl').startsWith(twice)).toBe(true)
    expect([...job.server.asked.values()]).toEqual(all.map(() => 1))
  })
})

test('two runs do not write one output at the same time', async () => {
  await using server = await startRecordingServer({ latency: { ...latency, timeToFirstToken: 60_000 } })
  using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
  const env = { OPENAI_BASE_URL: server.baseURL }
  const args = [...place.job(), '-o', 'out.jsonl']
  const asking = server.nextRequest()
  const first = startCli(args, { cwd: place.path, env })
  await asking
  const { code, stderr } = await place.run(args, { env })
  expect(code).toBe(2)
  expect(stderr).toContain(`out.jsonl is being written by another run, process ${String(first.child.pid)}`)
  expect(server.asked.get(0)).toBe(1)
  first.child.kill('SIGKILL')
  await first.ended
})

describe('interrupted', () => {
  const slow = {
    // Long enough for a signal to arrive on a busy machine before the answers come.
    timeToFirstToken: 3_000,
    outputTokensPerSecond: Infinity,
    promptTokensPerSecond: Infinity,
    slowdown: 0,
  }

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'once, by %s: nothing more is sent, running requests are written, and a message says how to go on',
    async (signal, code) => {
      await using server = await startRecordingServer({ latency: slow })
      using place = new Workplace({ 'in.jsonl': jsonl(messages(120)) })
      const env = { OPENAI_BASE_URL: server.baseURL }
      const args = [...place.job(), '-o', 'out.jsonl', '--max-in-flight', '2', '--max-pack-records', '10']
      const asking = server.nextRequest()
      const { child, ended } = startCli([...args, '--quiet'], { cwd: place.path, env })
      await asking
      child.kill(signal)
      const { code: exitCode, stderr } = await ended
      expect(exitCode).toBe(code)
      expect(stderr).toMatch(
        /^Stopping: nothing more is sent, [^\n]*\nStopped\.\nout\.jsonl has [1-9]\d? records\. Run the same command again to go on\.\n$/,
      )
      // All answers have been written, so no record is asked twice.
      expect(sorted(indexes(place))).toEqual(sorted([...server.asked.keys()]))
      expect((await place.run([...args, '--max-in-flight', '12'], { env })).code).toBe(0)
      expect(sorted(indexes(place))).toEqual([...Array(120).keys()])
      expect([...server.asked.values()]).toEqual(Array(120).fill(1))
    },
  )

  test('twice: at once', async () => {
    await using server = await startRecordingServer({ latency: { ...slow, timeToFirstToken: 600_000 } })
    using place = new Workplace({ 'in.jsonl': jsonl(messages(50)) })
    const asking = server.nextRequest()
    const { child, ended } = startCli([...place.job(), '-o', 'out.jsonl'], {
      ...{ cwd: place.path, env: { OPENAI_BASE_URL: server.baseURL } },
    })
    await asking
    child.kill('SIGINT')
    // A signal that comes before the run has seen the first signal counts as the first.
    const timer = setInterval(() => child.kill('SIGINT'), 50)
    expect((await ended).code).toBe(130)
    clearInterval(timer)
  })

  test('while standard input is still open', async () => {
    await using server = await startRecordingServer({ latency })
    using place = new Workplace()
    const { spawn } = await import('node:child_process')
    const { main, bareEnv } = await import('../../../helpers/cli.ts')
    const child = spawn(process.execPath, [main, ...place.job(['-'])], {
      ...{
        cwd: place.path,
        env: { ...bareEnv, OPENAI_BASE_URL: server.baseURL },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    })
    child.stdin.write(jsonl(messages(3)))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const closed = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGINT')
    expect(await closed).toBe(130)
  })
})
