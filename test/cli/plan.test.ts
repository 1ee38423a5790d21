import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { atOnce, jsonl, messages, Workplace } from '../helpers/cli.ts'

interface PlanJson {
  readonly records: { readonly count: number; readonly unreadable: number }
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

describe('plan', () => {
  test('sends nothing, needs no key, and says what a run takes: as many requests as it then is', async () => {
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

  test('as a person reads it', async () => {
    using place = new Workplace({ 'in.jsonl': `${jsonl(messages(100))}broken\n` })
    const money = ['--price-in', '0.15', '--price-out', '0.6', '--rpm', '60']
    const { stdout } = await planned(place, '--field', 'text', ...money)
    expect(stdout).toMatch(/^100 records for m\. .*Nothing was sent\./)
    expect(stdout).toMatch(/^ {2}pack +requests +input +cached +output +cost +time +bound by$/m)
    for (const size of [1, 5, 10, 25, 50]) expect(stdout).toMatch(new RegExp(`^.? +${size} +\\d`, 'm'))
    expect(stdout).toMatch(/^Binding: /m)
    expect(stdout).toMatch(/^(Chosen \d+|Packing does not pay here): /m)
    expect(existsSync(join(place.path, 'out.jsonl'))).toBe(false)
  })

  test('by what a run measured', async () => {
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
    place.write({ 'run.json': '{}' })
    expect(await planned(place, '--measured', 'run.json')).toMatchObject({ code: 2, stdout: '' })
  })

  test.each([
    [['--time-to-first-token', '900..300'], '--time-to-first-token'],
    [['--output-tokens', '1..2..3'], '--output-tokens: expected a number or a range'],
    [['--tpm', '0'], '--tpm'],
  ])('%j is a usage error', async (flags, message) => {
    using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
    const { code, stderr } = await planned(place, ...flags)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })
})
