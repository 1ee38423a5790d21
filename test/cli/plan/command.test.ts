import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { atOnce, jsonl, messages, wholePacks, Workplace } from '../../helpers/cli.ts'
import { withoutPackage } from '../../helpers/without-package.ts'

interface PlanJson {
  readonly records: { readonly read: number; readonly repeated: number }
  readonly rows: readonly {
    readonly size: number
    readonly requests: number
    readonly tokens: { readonly input: number }
  }[]
  readonly chosen: { readonly size: number; readonly why: string }
  readonly measuredRequests?: number
}

const planned = (place: Workplace, ...flags: string[]) =>
  place.run(['plan', ...place.job().slice(1), ...flags])

/** The message of the command. Warnings of Node may come before it. */
const lastLine = (text: string) => text.trim().split('\n').at(-1)

describe('plan', () => {
  test('reads files as a run does, and ends with exit code 2 if it cannot', async () => {
    const table = 'sep=;\r\nid;text\r\n1;Café\r\n2;Fee\r\n'
    using place = new Workplace({
      'a.csv': Buffer.from(table, 'latin1'),
      'b.json': '{"data":{"items":[{"text":"Card"}]}}',
      'c.csv': Buffer.from(table, 'utf16le'),
    })
    const read = async (file: string, ...flags: string[]) => {
      const job = place.job([file]).slice(1)
      const { code, stdout, stderr } = await place.run([
        'plan',
        ...job,
        '--field',
        'text',
        '--json',
        ...flags,
      ])
      return code === 0 ? (JSON.parse(stdout) as PlanJson).records.read : `${code}: ${stderr}`
    }
    expect(await read('a.csv', '--encoding', 'latin1')).toBe(2)
    expect(await read('b.json', '--select', 'data.items')).toBe(1)
    expect(await read('c.csv')).toBe(2)
    expect(await read('b.json')).toMatch(/^2: b\.json:1: expected a JSON array, got an object/)
  })

  test('sends nothing, needs no key, and predicts the number of requests of a run', async () => {
    using place = new Workplace({ 'in.jsonl': jsonl(messages(230)) })
    const { code, stdout, stderr } = await planned(place, '--field', 'text', '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const plan = JSON.parse(stdout) as PlanJson
    for (const size of [5, 10, 25, 50]) {
      const flags = [
        '--field',
        'text',
        '--max-pack-records',
        String(size),
        '--linger',
        '10000',
        '--json',
        '-o',
        `${size}.jsonl`,
      ]
      const run = await place.run([...place.job(), ...flags, ...atOnce])
      const { stats } = JSON.parse(run.stdout) as { stats: { requests: number } }
      expect(plan.rows.find((row) => row.size === size)?.requests).toBe(stats.requests)
    }
  })

  test('packs as the run does with the same config file: partitions apart, and each text once', async () => {
    const rows = messages(240).map((row, i) => ({ ...row, tenant: `t${i % 60}` }))
    using place = new Workplace({ 'in.jsonl': jsonl([...rows, ...rows.slice(0, 100)]) })
    const [, , , labels, , prompt] = place.job()
    place.write({
      'job.json': JSON.stringify({
        ...{ files: ['in.jsonl'], labels, prompt, model: 'm', field: 'text', maxPackRecords: 10 },
        ...{ partition: 'tenant', cache: 'cache.sqlite', output: 'out.jsonl' },
      }),
    })
    const plan = await place.run(['plan', '--config', 'job.json', '--json'])
    expect(plan.stderr).toBe('')
    expect(existsSync(join(place.path, 'cache.sqlite'))).toBe(false)
    const { records, rows: table } = JSON.parse(plan.stdout) as PlanJson
    expect(records).toMatchObject({ read: 340, repeated: 100 })
    const run = await place.run(['run', '--config', 'job.json', '--json', '--simulate', ...wholePacks])
    const { stats } = JSON.parse(run.stdout) as { stats: { requests: number } }
    const { requests = 0 } = table.find(({ size }) => size === 10) ?? {}
    expect(Math.abs(requests - stats.requests) / stats.requests).toBeLessThan(0.1)
  })

  test('a partition needs its column, as in a run', async () => {
    using place = new Workplace({ 'in.csv': 'text\nhello\n' })
    const { code, stderr } = await place.run([
      ...['plan', ...place.job(['in.csv']).slice(1), '--field', 'text', '--partition', 'tenant'],
    ])
    expect({ code, stderr }).toEqual({
      ...{ code: 2, stderr: 'in.csv:2: there is no column "tenant"; there are: "text"\n' },
    })
  })

  test('prints a plan for a person', async () => {
    using place = new Workplace({ 'in.jsonl': `${jsonl(messages(100))}broken\n` })
    const money = ['--price-in', '0.15', '--price-out', '0.6', '--rpm', '60']
    const { stdout } = await planned(place, '--field', 'text', ...money)
    expect(stdout).toMatch(/^100 records for m\. .*Nothing was sent\./)
    expect(stdout).toMatch(/^ {2}pack +requests +input +cached +output +cost +time +bound by$/m)
    for (const size of [1, 5, 10, 25, 50]) expect(stdout).toMatch(new RegExp(`^.? +${size} +\\d`, 'm'))
    expect(stdout).toMatch(/^Bound by /m)
    expect(stdout).toMatch(/^(Chosen \d+|Packing does not pay here): /m)
    expect(existsSync(join(place.path, 'out.jsonl'))).toBe(false)
  })

  test('uses the measurements of a run', async () => {
    using place = new Workplace({ 'in.jsonl': jsonl(messages(60)) })
    const latency = ['--simulate', '--time-to-first-token', '20', '--output-tokens-per-second', '2000']
    const run = await place.run([
      ...place.job(),
      '--json',
      '-o',
      'out.jsonl',
      '--max-pack-records',
      '5',
      ...latency,
    ])
    place.write({ 'run.json': run.stdout })
    const { stdout, code } = await planned(place, '--measured', 'run.json')
    expect(code).toBe(0)
    expect(stdout).not.toContain('ASSUMED')
    expect(stdout).toMatch(/measured/i)
  })

  test.each([
    ['{}', 'expected the output of run --json, from a run that sent requests'],
    ['null', 'expected the output of run --json: Invalid input: expected object, received null'],
    ['not JSON', 'expected the output of run --json: Unexpected token'],
    ['{"measured":{"requests":1}}', 'expected the output of run --json: measured.records: Invalid input'],
    [
      JSON.stringify({
        measured: {
          ...{ requests: 1, records: 1, outputTokensPerRecord: 'ten' },
          timeToFirstToken: { p10: 1, p50: 2, p90: 3 },
          outputTokensPerSecond: { p10: 1, p50: 2, p90: 3 },
        },
      }),
      'measured.outputTokensPerRecord: Invalid input: expected number, received string',
    ],
    [
      JSON.stringify({
        measured: {
          ...{ requests: 1, records: 1, outputTokensPerRecord: 10 },
          timeToFirstToken: { p10: 1, p50: 2, p90: 3 },
          outputTokensPerSecond: { p10: 3, p50: 2, p90: 3 },
        },
      }),
      'measured.outputTokensPerSecond: expected p10, p50 and p90 in ascending order',
    ],
  ])('--measured of %j is a usage error', async (text, message) => {
    using place = new Workplace({ 'in.jsonl': jsonl(messages(3)), 'run.json': text })
    const { code, stdout, stderr } = await planned(place, '--measured', 'run.json')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('--measured: run.json: expected')
    expect(stderr).toContain(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  test('passes each flag to its option', async () => {
    using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
    const flags = [
      '--rpm',
      '7',
      '--tpm',
      '9000',
      '--max-in-flight',
      '3',
      '--max-output-tokens',
      '500',
      '--json',
    ]
    const { stdout } = await planned(place, ...flags)
    expect(JSON.parse(stdout)).toMatchObject({
      limits: {
        ...{ requestsPerMinute: 7, tokensPerMinute: 9000, maxInFlight: 3, maxOutputTokens: 500 },
        // The default, unless a flag states it.
        ...{ maxPackRecords: 50, maxPackTokens: 4000 },
      },
      ...{ encoding: 'o200k_base', isCounted: false },
    })
    const counted = await planned(place, '--count-tokens', 'cl100k_base', '--json')
    expect(JSON.parse(counted.stdout)).toMatchObject({ encoding: 'cl100k_base', isCounted: true })
  })

  test('without gpt-tokenizer the message names the package to install, also in a run that counts tokens', async () => {
    using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
    const nodeArgs = withoutPackage('gpt-tokenizer')
    const [, ...job] = place.job()
    const plan = await place.run(['plan', ...job], { nodeArgs })
    expect({ ...plan, stderr: lastLine(plan.stderr) }).toEqual({
      ...{ code: 2, stdout: '' },
      stderr: 'plan needs the package gpt-tokenizer: npm install gpt-tokenizer',
    })
    const counting = [...place.job(), ...atOnce, '--count-tokens', 'o200k_base']
    const run = await place.run(counting, { nodeArgs })
    expect({ ...run, stderr: lastLine(run.stderr) }).toEqual({
      ...{ code: 2, stdout: '' },
      stderr: '--count-tokens needs the package gpt-tokenizer: npm install gpt-tokenizer',
    })
  })

  test.each([
    [['--time-to-first-token', '900..300'], '--time-to-first-token'],
    [['--output-tokens', '1..2..3'], '--output-tokens: expected a number or a range'],
    [['--tpm', '0'], '--tpm'],
    [
      ['--prompt-tokens-per-second', '0'],
      'Expected --prompt-tokens-per-second to be a number above 0, got 0',
    ],
    [['--slowdown=-1'], 'Expected --slowdown to be a number of at least 0, got -1'],
    [['--output-tokens', '0'], 'Expected --output-tokens to be a number above 0'],
    [['--max-pack-records', '101'], 'Expected --max-pack-records to be at most 100 in a plan, got 101'],
  ])('%j is a usage error', async (flags, message) => {
    using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
    const { code, stderr } = await planned(place, ...flags)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })
})
