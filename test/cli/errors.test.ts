import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'
import { atOnce, cli, jsonl, messages, wholePacks, Workplace } from '../helpers/cli.ts'
import { withoutPackage } from '../helpers/without-package.ts'

const files = {
  'in.jsonl': jsonl(messages(3)),
  'in.csv': 'id,body\n1,shipping\n',
  'gold.csv': 'text,label\nshipping,x\n',
  'bad.json': '{"model":',
  'unknown.json': '{"modle":"m"}',
  'typed.json': '{"ordered":"yes"}',
  'range.json': '{"rpm":"many"}',
  'list.json': '{"prefix":["m"]}',
  'empty.txt': '',
  'optional.json': '{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}',
}

describe('a usage error names the flag, the expected value and the given value, and changes no file', () => {
  const job = ['run', 'in.jsonl', '--labels', 'labels.txt', '--prompt', 'x', '--model', 'm', '--simulate']
  test.concurrent.each<[string, string[], string]>([
    [
      'no model',
      ['run', 'in.jsonl', '--labels', 'labels.txt', '--prompt', 'x'],
      'Expected --model (or OPENAI_MODEL)',
    ],
    ['no labels', ['run', 'in.jsonl', '--prompt', 'x', '--model', 'm'], 'Expected --labels or --schema'],
    [
      'no instructions',
      ['run', 'in.jsonl', '--labels', 'labels.txt', '--model', 'm'],
      'Expected --instructions or --prompt',
    ],
    [
      'nothing of the task',
      ['run', 'in.jsonl'],
      'Expected --model (or OPENAI_MODEL): the name of the model\nExpected --labels or --schema: the form of the result\nExpected --instructions or --prompt: what to do with each record\n',
    ],
    [
      'no key',
      ['run', 'in.jsonl', '--labels', 'labels.txt', '--prompt', 'x', '--model', 'm'],
      'Expected OPENAI_API_KEY to be set',
    ],
    ['no such input', ['run', 'nothing.jsonl', ...job.slice(2)], 'nothing.jsonl'],
    [
      'no such input, before what is missing besides',
      ['run', 'nothing.csv', '--labels', 'labels.txt', '--model', 'm'],
      'nothing.csv: it does not exist',
    ],
    ['a glob of nothing', ['run', '*.parquet', ...job.slice(2)], '*.parquet'],
    ['no such labels', [...job, '--labels', 'nothing.txt'], '--labels: nothing.txt: there is no such file'],
    ['no labels in it', [...job, '--labels', 'empty.txt'], 'empty.txt: expected labels'],
    [
      'a column that no row has',
      ['run', 'in.csv', ...job.slice(2), '--field', 'text'],
      'in.csv:2: there is no column "text"; there are: "id", "body"',
    ],
    [
      'a column that no JSON line has',
      ['run', 'in.jsonl', ...job.slice(2), '--field', 'txet', '-o', 'out.jsonl'],
      'in.jsonl:1: there is no column "txet"; there are: "id", "text"',
    ],
    [
      'a column to keep apart by that no row has',
      ['run', 'in.jsonl', ...job.slice(2), '--partition', 'team', '-o', 'out.jsonl'],
      'in.jsonl:1: there is no column "team"',
    ],
    [
      'a column that no row has, in a plan',
      ['plan', 'in.jsonl', ...job.slice(2, -1), '--field', 'txet'],
      'in.jsonl:1: there is no column "txet"',
    ],
    ['a column that the result has', ['run', 'gold.csv', ...job.slice(2)], '--prefix'],
    ['a number', [...job, '--rpm', 'many'], '--rpm: expected a number, got "many"'],
    [
      'a range',
      [...job, '--max-pack-records', '0'],
      'Expected --max-pack-records to be a positive integer, got 0 (number)',
    ],
    ['a range of the limiter', [...job, '--rpm', '-1'], '--rpm'],
    ['an unknown flag', [...job, '--modle', 'x'], "unknown option '--modle'"],
    ['a choice', [...job, '--api', 'soap'], '--api'],
    [
      'JSON',
      [...job, '--request', '{"temperature"'],
      '--request: expected a JSON object, such as \'{"temperature":0}\'',
    ],
    ['a field of the request that is ours', [...job, '--request', '{"stream":false}'], '`stream`'],
    ['a price alone', [...job, '--price-in', '1'], 'Expected --price-in and --price-out together'],
    [
      'a cap without prices',
      [...job, '--max-cost', '1'],
      'Expected --price-in and --price-out with --max-cost',
    ],
    ['a seed', [...job, '--fault-seed', '1.5'], '--fault-seed: expected a whole number, got 1.5'],
    [
      'an output of no format',
      [...job, '-o', 'out.xml'],
      '--output: expected a name that ends in one of .jsonl, .csv, .tsv, .json, .parquet, got out.xml',
    ],
    [
      'a delimiter for a file without columns',
      [...job, '--delimiter', ';'],
      '--delimiter: expected an input in CSV, got jsonl. For an output there is --output-delimiter',
    ],
    [
      'instructions of nothing',
      [
        'run',
        'in.jsonl',
        '--labels',
        'labels.txt',
        '--instructions',
        'empty.txt',
        '--model',
        'm',
        '--simulate',
      ],
      '--instructions: empty.txt: expected what to do with each record, got an empty text',
    ],
    ['an output that is the input', [...job, '-o', 'in.jsonl'], '--output: in.jsonl is an input too'],
    [
      'an output in no folder',
      [...job, '-o', 'no/out.jsonl'],
      '--output: no/out.jsonl: there is no folder no',
    ],
    ['an output that is a folder', [...job, '-o', '.'], '--output: . is a folder'],
    [
      'rejects that are the output',
      [...job, '-o', 'o.jsonl', '--rejects', './o.jsonl'],
      '--rejects: ./o.jsonl is --output too',
    ],
    ['a config of no JSON', [...job, '--config', 'bad.json'], 'bad.json: expected JSON'],
    [
      'a config with an unknown option',
      [...job, '--config', 'unknown.json'],
      'unknown.json: there is no option "modle"',
    ],
    [
      'a config with a wrong type',
      [...job, '--config', 'typed.json'],
      'typed.json: "ordered": expected true or false, got "yes"',
    ],
    [
      'a config with a list for a text',
      [...job, '--config', 'list.json'],
      'list.json: "prefix": expected a value for --prefix <text>, got ["m"]',
    ],
    [
      'a config with a wrong number',
      [...job, '--config', 'range.json'],
      'range.json: --rpm: expected a number, got "many"',
    ],
    [
      'latency',
      [...job, '--time-to-first-token=-1'],
      '--time-to-first-token: expected milliseconds from 0, got -1',
    ],
    [
      'a schema that cannot be asked',
      ['run', 'in.jsonl', '--schema', 'optional.json', '--prompt', 'x', '--model', 'm', '--simulate'],
      'Expected --schema to be expressible as a strict JSON Schema, but at a it is not: a property cannot be optional',
    ],
  ])('%s', async (_, args, message) => {
    using place = new Workplace(files)
    const { code, stdout, stderr } = await place.run(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('    at ')
    expect(existsSync(join(place.path, 'out.jsonl'))).toBe(false)
  })

  const url = (shown: string) =>
    `OPENAI_BASE_URL: expected a URL such as http://127.0.0.1:8000/v1, got "${shown}"`
  test.concurrent.each<[string, Record<string, string>, string]>([
    ['no URL', { OPENAI_BASE_URL: 'not a url' }, url('not a url')],
    ['a URL without a scheme', { OPENAI_BASE_URL: 'localhost:8000/v1' }, url('localhost:8000/v1')],
    ['a URL of another scheme', { OPENAI_BASE_URL: 'ftp://host/v1' }, url('ftp://host/v1')],
    ['a URL with a password', { OPENAI_BASE_URL: 'http://me:secret@host/v1' }, 'with a user or a password'],
    ['what looks like one', { OPENAI_BASE_URL: 'me:x@secret@host/v1' }, 'expected a URL such as'],
    ['a URL with a key', { OPENAI_BASE_URL: 'ftp://host/v1?key=secret' }, 'expected a URL such as'],
    ['blanks', { OPENAI_BASE_URL: ' ', OPENAI_API_KEY: '' }, 'Expected OPENAI_API_KEY to be set'],
    ['a key of two lines', { OPENAI_API_KEY: 'one\ntwo' }, 'OPENAI_API_KEY: there is a line break in it'],
  ])('of the environment: %s', async (_, env, message) => {
    using place = new Workplace(files)
    const { code, stdout, stderr } = await place.run([...place.job(), '-o', 'out.jsonl'], { env })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('secret')
    expect(existsSync(join(place.path, 'out.jsonl'))).toBe(false)
  })
})

describe('faults that stop a run', () => {
  const fast = { timeToFirstToken: 0, outputTokensPerSecond: Infinity }

  test('a wrong key: exit code 3, one clear line, and nothing written', async () => {
    await using simulator = await startSimulator({ latency: fast, apiKey: 'right' })
    using place = new Workplace(files)
    const env = { OPENAI_BASE_URL: simulator.baseURL, OPENAI_API_KEY: 'wrong' }
    const { code, stderr } = await place.run([...place.job(), '-o', 'out.jsonl'], { env })
    expect(code).toBe(3)
    expect(stderr).toMatch(/401|key/)
    expect(stderr).toContain(`The server is ${simulator.baseURL}.`)
    expect(stderr).toContain('Run the same command again to go on')
    expect(place.read('out.jsonl')).toBe('')
    // With the right key the run goes on.
    const right = await place.run([...place.job(), '-o', 'out.jsonl'], {
      env: { ...env, OPENAI_API_KEY: 'right' },
    })
    expect(right).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(place.rows('out.jsonl')).toHaveLength(3)
  })

  test('the message names a wrong key also while the input is still open', async () => {
    await using simulator = await startSimulator({ latency: fast, apiKey: 'right' })
    using place = new Workplace(files)
    const env = { OPENAI_BASE_URL: simulator.baseURL, OPENAI_API_KEY: 'wrong' }
    const input = '{"text":"shipping"}\n'
    const { code, stderr } = await place.run(place.job(['-']), { env, input, isOpen: true })
    expect(code).toBe(3)
    expect(stderr).toContain('401 invalid_api_key')
  })

  test('an empty key counts as no key: a server that needs no key answers', async () => {
    await using simulator = await startSimulator({ latency: fast })
    using place = new Workplace(files)
    const env = { OPENAI_BASE_URL: simulator.baseURL, OPENAI_API_KEY: '' }
    expect(await place.run([...place.job(), '-o', 'out.jsonl'], { env })).toEqual({
      ...{ code: 0, stdout: '', stderr: '' },
    })
  })

  test.each(['run', 'plan'])(
    '%s ends at a wrong first record although the input is still open',
    async (name) => {
      using place = new Workplace(files)
      const [, ...job] = place.job(['-'])
      const args = [name, ...job, ...(name === 'run' ? atOnce : [])]
      const { code, stderr } = await place.run(args, { input: '{"text":"a","label":1}\n', isOpen: true })
      expect(code).toBe(2)
      expect(stderr).toMatch(/^stdin:1: the result has a column "label" too/)
    },
  )

  test('a fault that a second attempt mends does not stop the run, and is not printed', async () => {
    await using simulator = await startSimulator({
      latency: fast,
      faults: { rates: { malformed_frame: 0.3 } },
    })
    using place = new Workplace({ 'in.jsonl': jsonl(messages(100)) })
    const env = { OPENAI_BASE_URL: simulator.baseURL }
    const flags = ['-o', 'out.jsonl', '--max-pack-records', '5', '--max-attempts', '99']
    // The text of a pack decides which fault it gets. So the packs must always be the same.
    const args = [...place.job(), ...flags, ...wholePacks]
    expect(await place.run(args, { env })).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(simulator.stats.faults.malformed_frame).toBeGreaterThan(3)
  })

  test('an unreachable server: the first failed record stops the run, and is not lost', async () => {
    using place = new Workplace(files)
    const simulator = await startSimulator()
    await simulator.close()
    const env = { OPENAI_BASE_URL: simulator.baseURL }
    const { code, stderr } = await place.run([...place.job(), '-o', 'out.jsonl', '--max-attempts', '1'], {
      env,
    })
    expect(code).toBe(3)
    expect(stderr).toContain('ECONNREFUSED')
    expect(stderr).toContain(`The server is ${simulator.baseURL}.`)
    expect(place.read('out.jsonl')).toBe('')
  })

  test.skipIf(!existsSync('/dev/full'))('a full disk (skipped where there is no /dev/full)', async () => {
    using place = new Workplace(files)
    const { code, stderr } = await place.run([...place.job(), '-o', '/dev/full', ...atOnce])
    expect(code).toBe(3)
    expect(stderr).toContain('ENOSPC')
    expect(existsSync('/dev/full.run.json')).toBe(false)
  })

  test('a truncated archive: the records before the end are written', async () => {
    const whole = gzipSync(jsonl(messages(20_000)))
    using place = new Workplace({ 'in.jsonl.gz': whole.subarray(0, whole.length - 2_000) })
    const { code, stderr } = await place.run([...place.job(['in.jsonl.gz']), '-o', 'out.jsonl', ...atOnce])
    expect(code).toBe(3)
    expect(stderr).toContain('in.jsonl.gz')
    const indexes = place.rows('out.jsonl').map(({ _index }) => Number(_index))
    expect(indexes.length).toBeGreaterThan(1_000)
    // All readable records, without a gap.
    expect(indexes.sort((a, b) => a - b)).toEqual([...indexes.keys()])
  })

  test('max-cost: the paid results are written', async () => {
    using place = new Workplace({ 'in.jsonl': jsonl(messages(2_000)) })
    const money = ['--price-in', '1', '--price-out', '1', '--max-cost', '0.01']
    const { code, stderr } = await place.run([...place.job(), '-o', 'out.jsonl', ...money, ...atOnce])
    expect(code).toBe(3)
    expect(stderr).toContain('--max-cost')
    const written = place.rows('out.jsonl').length
    expect(written).toBeGreaterThan(50)
    expect(written).toBeLessThan(1_000)
    const rest = await place.run([...place.job(), '-o', 'out.jsonl', ...atOnce])
    expect(rest.code).toBe(0)
    expect(new Set(place.rows('out.jsonl').map(({ _index }) => _index)).size).toBe(2_000)
    expect(place.rows('out.jsonl')).toHaveLength(2_000)
  })
})

test('the command line needs no SDK', async () => {
  using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
  const run = await place.run([...place.job(), ...atOnce], { nodeArgs: withoutPackage('openai') })
  expect(run).toMatchObject({ code: 0, stderr: '' })
})

test('without zod, the command line says what to install', async () => {
  const stderr = 'llm-pack-stream needs the package zod: npm install zod\n'
  const ended = await cli(['--help'], { nodeArgs: withoutPackage('zod') })
  expect(ended).toEqual({ code: 2, stdout: '', stderr })
})
