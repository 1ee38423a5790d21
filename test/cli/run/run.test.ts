import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'
import { root } from '../../helpers/run.ts'
import {
  atOnce,
  bareEnv,
  jsonl,
  main,
  messages,
  parseLines,
  Workplace,
  wholePacks,
} from '../../helpers/cli.ts'

const fast = {
  timeToFirstToken: 0,
  outputTokensPerSecond: Infinity,
  promptTokensPerSecond: Infinity,
  slowdown: 0,
}
const three = messages(3)
const csv = `id,text\n${three.map(({ id, text }) => `${id},"${text}"\n`).join('')}`
const tsv = `id\ttext\n${three.map(({ id, text }) => `${id}\t${text}\n`).join('')}`
const labels = ['shipping', 'returns', 'payments']
const expected = three.map((message, i) => ({ ...message, label: labels[i], _index: i }))

describe('input', () => {
  test.each<[string, string | Uint8Array, string[]]>([
    ['in.jsonl', jsonl(three), []],
    ['in.ndjson', jsonl(three), []],
    ['in.json', JSON.stringify(three), []],
    ['in.csv', csv, []],
    ['in.tsv', tsv, []],
    ['quoted.tsv', csv.replaceAll(',', '\t'), ['--quote']],
    ['in.jsonl.gz', gzipSync(jsonl(three)), []],
    ['in.csv.zst', zstdCompressSync(csv), []],
    ['in.json.gz', gzipSync(JSON.stringify(three)), []],
    ['in.data', csv, ['--format', 'csv']],
  ])('%s', async (name, content, flags) => {
    using place = new Workplace({ [name]: content })
    const { code, stdout, stderr } = await place.run([
      ...place.job([name]),
      '--field',
      'text',
      '--ordered',
      ...flags,
      ...atOnce,
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(parseLines(stdout)).toEqual(expected)
  })

  test('plain lines, also from standard input', async () => {
    const text = three.map(({ text }) => `${text}\r\n`).join('\n')
    using place = new Workplace({ 'in.txt': text })
    const ofLines = three.map(({ text }, i) => ({ text, label: labels[i], _index: i }))
    const fromFile = await place.run([...place.job(['in.txt']), '--ordered', ...atOnce])
    expect(parseLines(fromFile.stdout)).toEqual(ofLines)
    const job = place.job(['-'])
    const piped = await place.run([...job, '--format', 'lines', '--ordered', ...atOnce], { input: text })
    expect(parseLines(piped.stdout)).toEqual(ofLines)
    const byDefault = await place.run([...place.job([]), '--ordered', ...atOnce], { input: jsonl(three) })
    expect(parseLines(byDefault.stdout)).toEqual(expected)
  })

  test('several files and globs: the index counts through all of them', async () => {
    using place = new Workplace({ 'b.jsonl': jsonl(three), 'a1.csv': csv, 'a2.csv': csv })
    const { code, stdout } = await place.run([...place.job(['a*.csv', 'b.jsonl']), '--ordered', ...atOnce])
    expect(code).toBe(0)
    expect(parseLines(stdout)).toEqual(
      [...three, ...three, ...three].map((message, i) => ({ ...message, label: labels[i % 3], _index: i })),
    )
  })

  test('a template, a limit, and an empty file', async () => {
    using place = new Workplace({ 'in.jsonl': jsonl(three), 'empty.jsonl': '' })
    const template = ['--template', 'From {{id}}: {{text}}']
    const some = await place.run([...place.job(), ...template, '--limit', '2', '--ordered', ...atOnce])
    expect(parseLines(some.stdout)).toEqual(expected.slice(0, 2))
    expect(await place.run([...place.job(['empty.jsonl']), ...atOnce])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
  })
})

describe.skipIf(process.platform !== 'linux')('a pipe by its path', () => {
  test.each([
    ['of the shell', '"$0" "$1" run <(cat a.jsonl) <(cat b.jsonl) "${@:2}"'],
    ['that stands for standard input', 'cat a.jsonl b.jsonl | "$0" "$1" run /dev/stdin "${@:2}"'],
  ])('%s is an input', (_, script) => {
    const [a, ...b] = messages(3)
    using place = new Workplace({ 'a.jsonl': jsonl([a]), 'b.jsonl': jsonl(b) })
    const [, , ...flags] = [...place.job(), '--format', 'jsonl', '--ordered', '--quiet', ...atOnce]
    const args = ['-c', script, process.execPath, main, ...flags]
    const { status, stdout, stderr } = spawnSync('bash', args, { cwd: place.path, env: bareEnv })
    expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' })
    expect(parseLines(String(stdout)).map(({ id }) => id)).toEqual(['id-0', 'id-1', 'id-2'])
  })
})

describe('output', () => {
  test('CSV and TSV by name, with all characters that a cell may hold', async () => {
    const rows = [
      { id: '1', text: 'shipping, "quoted"\nand a second line', more: null },
      { id: '2', text: 'returns\tand tabs', more: { a: [1, 'x'] } },
    ]
    using place = new Workplace({ 'in.jsonl': jsonl(rows) })
    for (const [name, format] of [
      ['out.csv', 'csv'],
      ['out.tsv', 'tsv'],
    ] as const) {
      const { code } = await place.run([
        ...place.job(),
        '--field',
        'text',
        '--ordered',
        '-o',
        name,
        ...atOnce,
      ])
      expect(code).toBe(0)
      expect(
        place
          .read(name)
          .split('\n')[0]
          ?.split(format === 'csv' ? ',' : '\t'),
      ).toEqual([...['id', 'text', 'more', 'label', '_index', '_error', '_more']])
      // The output is also a valid input.
      const again = await place.run([
        ...place.job([name]),
        '--field',
        'text',
        '--prefix',
        'new_',
        '--ordered',
        ...atOnce,
      ])
      expect(parseLines(again.stdout)).toMatchObject([
        { id: '1', text: rows[0]?.text, label: 'shipping', new_label: 'shipping', _index: 0 },
        { id: '2', text: rows[1]?.text, more: '{"a":[1,"x"]}', label: 'returns', _index: 1 },
      ])
    }
  })

  test('the columns of a table keep their order, also when a run goes on', async () => {
    const header = 'id,text,2024,2023'
    const lines = three.map(({ id, text }, i) => `${id},${text},a${i},b${i}`)
    using place = new Workplace({ 'in.csv': `${[header, ...lines].join('\n')}\n` })
    const columns = 'id,text,2024,2023,label,_index,_error,_more'
    const expected = three.map(({ id, text }, i) => `${id},${text},a${i},b${i},${labels[i]!},${i},,`)
    for (const [limit, count] of [
      ['2', 2],
      ['3', 3],
    ] as const) {
      const args = [
        ...place.job(['in.csv']),
        '--field',
        'text',
        '--ordered',
        '--limit',
        limit,
        '-o',
        'out.csv',
      ]
      expect(await place.run([...args, '--force', ...atOnce])).toMatchObject({ code: 0 })
      expect(place.read('out.csv').trimEnd().split('\n')).toEqual([columns, ...expected.slice(0, count)])
    }
  })

  test('numbers that JavaScript cannot hold are written unchanged', async () => {
    const message = (numbers: string, text = three[0]!.text) => `{"text":"${text}",${numbers}}`
    const numbers = '"id":12345678901234567890,"e":1e400,"d":0.12345678901234567891,"in":{"n":[-1e999]}'
    using place = new Workplace({ 'in.jsonl': `${message(numbers)}\n12345678901234567890\n` })
    const args = [...place.job(), '--field', 'text', '--partition', 'id', '--ordered', ...atOnce]
    expect((await place.run([...args, '-o', 'out.jsonl'])).code).toBe(1)
    const [first, second] = place.read('out.jsonl').split('\n')
    expect(first).toBe(message(`${numbers},"label":"shipping","_index":0`))
    expect(second).toContain('{"_raw":"12345678901234567890","_index":1,"_error":{"code":"not_a_record"')
    await place.run([...args, '-o', 'out.csv'])
    expect(place.read('out.csv').split('\n')[1]).toBe(
      `${three[0]!.text},12345678901234567890,1e400,0.12345678901234567891,"{""n"":[-1e999]}",shipping,0,,`,
    )
  })

  test('a schema with several fields, and a schema that is not an object', async () => {
    using place = new Workplace({
      'in.jsonl': jsonl(three),
      'schema.json': JSON.stringify({
        type: 'object',
        properties: { team: { enum: labels }, urgent: { type: 'boolean' } },
        required: ['team', 'urgent'],
        additionalProperties: false,
      }),
      'array.json': '{"type":"array","items":{"enum":["a","b"]}}',
    })
    const job = ['run', 'in.jsonl', '--prompt', 'x', '--model', 'm', '--ordered', ...atOnce]
    const several = parseLines((await place.run([...job, '--schema', 'schema.json'])).stdout)
    expect(several.map(({ team }) => team)).toEqual(labels)
    for (const { urgent } of several) expect(typeof urgent).toBe('boolean')
    for (const { result } of parseLines((await place.run([...job, '--schema', 'array.json'])).stdout)) {
      expect(result).toBeInstanceOf(Array)
    }
  })

  test('a schema of another library than Zod, also where the run may be resumed', async () => {
    const arktype = JSON.stringify(join(root, 'node_modules/arktype/out/index.js'))
    using place = new Workplace({
      'in.jsonl': jsonl(three),
      'schema.mjs': `import { type } from ${arktype}\nexport default type({ team: type.enumerated(...${JSON.stringify(labels)}) })`,
    })
    const job = ['run', 'in.jsonl', '--prompt', 'x', '--model', 'm', '--ordered', ...atOnce]
    for (const more of [[], ['--overwrite']]) {
      const { code, stderr } = await place.run([...job, '--schema', 'schema.mjs', '-o', 'out.jsonl', ...more])
      expect({ code, stderr }).toMatchObject({ code: 0 })
      expect(parseLines(place.read('out.jsonl')).map(({ team }) => team)).toEqual(labels)
    }
  })

  test('rejected records: in the output with an error, and in the rejects, which are an input', async () => {
    await using simulator = await startSimulator({
      latency: fast,
      faults: { poison: { refusal: /number 1:/ } },
    })
    const env = { OPENAI_BASE_URL: simulator.baseURL }
    for (const format of ['jsonl', 'csv']) {
      using place = new Workplace({ 'in.jsonl': jsonl(three) })
      const [out, rejects] = [`out.${format}`, `rejects.${format}`]
      const { code, stderr } = await place.run([...place.job(), '-o', out, '--rejects', rejects], { env })
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(/^1 of 3 records were rejected\.\nThe first: .*\n$/) as string,
      })
      if (format === 'jsonl') {
        const rejected = { ...three[1], _index: 1, _error: { code: 'refused' } }
        expect(place.rows(out)).toHaveLength(3)
        expect(place.rows(out).find(({ _index }) => _index === 1)).toMatchObject(rejected)
        expect(place.rows(rejects)).toMatchObject([rejected])
      } else {
        expect(place.read(rejects)).toMatch(/^id,text,_index,_error,_more\nid-1,[^\n]*,1,refused: [^\n]*\n$/)
      }
      const second = await place.run([...place.job([rejects]), '--ordered', ...atOnce])
      expect(parseLines(second.stdout)).toEqual([{ ...three[1], label: 'returns', _index: 0 }])
    }
  })

  test('--json prints a summary: on standard output, or on standard error if records go to standard output', async () => {
    using place = new Workplace({ 'in.jsonl': jsonl(three) })
    const prices = ['--price-in', '1', '--price-out', '2', '--json', ...wholePacks]
    const toFile = await place.run([...place.job(), '-o', 'out.jsonl', ...prices, ...atOnce])
    const summary = {
      ...{ status: 'complete', exitCode: 0, output: 'out.jsonl' },
      records: { done: 3, fulfilled: 3, rejected: 0, earlier: 0 },
      stats: { requests: 1 },
    }
    expect(JSON.parse(toFile.stdout)).toMatchObject(summary)
    expect(toFile.stderr).toBe('')
    const { tokens, cost } = (
      JSON.parse(toFile.stdout) as { stats: { tokens: { input: number; output: number }; cost: number } }
    ).stats
    expect(cost).toBeCloseTo((tokens.input + 2 * tokens.output) / 1e6, 12)
    const piped = await place.run([...place.job(), ...prices, ...atOnce])
    expect(JSON.parse(piped.stderr)).toMatchObject({ records: summary.records, stats: summary.stats })
    expect(parseLines(piped.stdout)).toHaveLength(3)
  })
})

describe('settings', () => {
  test('a config file has the same options, and the command line has priority', async () => {
    using place = new Workplace({ 'in.jsonl': jsonl(three) })
    place.write({
      'job.json': JSON.stringify({
        ...{ files: ['in.jsonl'], labels: 'labels.txt', prompt: 'Say.', model: 'm', field: 'nothing' },
        ...{ 'max-pack-records': 2, ordered: true, request: { temperature: 0 }, output: 'out.jsonl' },
        ...{ simulate: true, timeToFirstToken: 0, '--output-tokens-per-second': 'Infinity' },
      }),
    })
    const { code, stdout } = await place.run(['run', '--config', 'job.json', '--field', 'text', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ stats: { requests: 2 } })
    expect(place.rows('out.jsonl')).toEqual(expected)
  })

  test('key and endpoint from the environment, or from .env, which does not replace variables', async () => {
    await using simulator = await startSimulator({ latency: fast, apiKey: 'right' })
    using place = new Workplace({ 'in.jsonl': jsonl(three) })
    place.write({ '.env': `OPENAI_API_KEY="right"\nOPENAI_BASE_URL=${simulator.baseURL} # here\n` })
    place.write({ 'other.env': `OPENAI_API_KEY=wrong\nOPENAI_BASE_URL=${simulator.baseURL}\n` })
    expect(await place.run(place.job())).toMatchObject({ code: 0, stderr: '' })
    const wrong = await place.run([...place.job(), '--env-file', 'other.env'])
    expect(wrong).toMatchObject({ code: 3, stdout: '' })
    expect(wrong.stderr).toMatch(/key/i)
    expect(
      await place.run([...place.job(), '--env-file', 'other.env'], { env: { OPENAI_API_KEY: 'right' } }),
    ).toMatchObject({
      ...{ code: 0, stderr: '' },
    })
  })

  test('a folder named .env, as Python creates it, is ignored', async () => {
    using place = new Workplace({ 'in.jsonl': jsonl(three) })
    mkdirSync(join(place.path, '.env'))
    expect(await place.run([...place.job(), ...atOnce])).toMatchObject({ code: 0, stderr: '' })
  })

  test('a cache file: the second run asks nothing', async () => {
    await using simulator = await startSimulator({ latency: fast })
    const env = { OPENAI_BASE_URL: simulator.baseURL }
    using place = new Workplace({ 'in.jsonl': jsonl(three) })
    const args = [...place.job(), '--ordered', '--cache', 'cache.sqlite', ...wholePacks]
    const first = await place.run(args, { env })
    const second = await place.run(args, { env })
    expect([first, second]).toMatchObject([
      { code: 0, stderr: '' },
      { code: 0, stderr: '' },
    ])
    expect(second.stdout).toBe(first.stdout)
    expect(simulator.stats.requests).toBe(1)
  })

  test('examples and a partition reach the model', async () => {
    await using simulator = await startSimulator({ latency: fast })
    const env = { OPENAI_BASE_URL: simulator.baseURL }
    using place = new Workplace({ 'in.jsonl': jsonl(three) })
    place.write({
      'examples.jsonl':
        '{"record":{"text":"Where is it?"},"value":{"label":"shipping"}}\n{"record":"Money","value":{"label":"payments"}}\n',
    })
    const tokens = async (...flags: string[]) => {
      const args = [...place.job(), '--field', 'text', '--json', ...wholePacks, ...flags]
      const { stderr, code } = await place.run(args, { env })
      expect(code).toBe(0)
      return (JSON.parse(stderr) as { stats: { requests: number; tokens: { input: number } } }).stats
    }
    const plain = await tokens()
    expect((await tokens('--examples', 'examples.jsonl')).tokens.input).toBeGreaterThan(
      plain.tokens.input + 10,
    )
    expect((await tokens('--partition', 'id')).requests).toBe(3)
  })
})
