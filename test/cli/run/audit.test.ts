import { describe, expect, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'
import type { RunRecord } from '../../../src/cli/measure/run-record.ts'
import { checkSections } from '../../../src/cli/page/check-section.ts'
import { jsonl, parseLines, Workplace } from '../../helpers/cli.ts'

const rows = Array.from({ length: 60 }, (_, i) => ({ text: `text ${i}` }))
const files = { 'in.jsonl': jsonl(rows), 'labels.txt': 'card\nfee\n' }
const job = (...more: string[]) => [
  ...['run', 'in.jsonl', '--field', 'text', '--labels', 'labels.txt', '--prompt', 'Label it.'],
  ...['--model', 'm', '--max-pack-records', '5', '--price-in', '1', '--price-out', '1', ...more],
]
/** Answers in packs lose `loss` points. */
const startServer = (loss: number) =>
  startSimulator({
    latency: { timeToFirstToken: 0, outputTokensPerSecond: Infinity, promptTokensPerSecond: Infinity },
    quality: { truth: () => 'card', perSize: { 5: loss } },
  })
const environment = (url: string) => ({ env: { OPENAI_BASE_URL: url, OPENAI_API_KEY: 'x' } })

describe('run --audit', () => {
  test('steps down with a guard, and says so in the terminal, the summary, the account and the page', async () => {
    await using server = await startServer(100)
    using place = new Workplace(files)
    const flags = ['--audit', '100%', '--audit-margin', '2%', '--audit-guard', '-o', 'out.jsonl']
    const { code, stderr } = await place.run(job(...flags), { ...environment(server.baseURL), isLoud: true })
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const text = stderr.replaceAll(/\s+/g, ' ')
    expect(text).toMatch(
      /Packing changes \d+\.\d% of the answers beyond noise, and at least \d+\.\d%, in \d+ audited records\. --audit-margin is 2\.0%\. From now on, a pack has at most 1 record\./,
    )
    expect(text).toMatch(
      /audit packs of up to 5 change \+\d+\.\d% of the answers \(\+\d+\.\d% to \+\d+\.\d%, margin 2\.0%\): \d+ records, noise 0\.0% /,
    )
    expect(text).toMatch(/packs of 1: nothing to compare \d+ requests with a record alone, \$0\.\d+ /)
    const { runs } = JSON.parse(place.read('out.jsonl.run.json')) as { runs: RunRecord[] }
    expect(runs[0]?.audit?.steps).toMatchObject([{ packRecords: 5, noise: 0 }])
    expect(runs[0]?.settings).toMatchObject({ 'share of records that the audit asks': '100%' })
    expect(checkSections(runs[0]!, '')[0]?.body.text).toMatch(/changed beyond noise.*<td[^>]*>\+\d+\.\d%</s)
    expect(parseLines(place.read('out.jsonl'))).toHaveLength(60)
  })

  test('without a guard only shows it, and a run may continue without an audit', async () => {
    await using server = await startServer(100)
    using place = new Workplace(files)
    const flags = ['--audit', '1', '--limit', '30', '-o', 'out.jsonl']
    const first = await place.run(job(...flags, '--json', '--no-progress'), environment(server.baseURL))
    expect(first.code).toBe(0)
    expect(JSON.parse(first.stdout)).toMatchObject({
      stats: { audit: { packRecords: 5, records: 30, requests: 60, steps: [], dropped: 0, margin: 0.02 } },
    })
    const second = await place.run(job('-o', 'out.jsonl', '--json'), environment(server.baseURL))
    expect(second).toMatchObject({ code: 0 })
    expect(JSON.parse(second.stdout)).toMatchObject({ records: { done: 60, earlier: 30 } })
    expect(second.stdout).not.toContain('"audit"')
  })

  test('compares the columns of --agree-on', async () => {
    await using server = await startServer(0)
    const schema = {
      type: 'object',
      properties: { label: { enum: ['card', 'fee'] }, id: { type: 'string' } },
      required: ['label', 'id'],
    }
    using place = new Workplace({ ...files, 'schema.json': JSON.stringify(schema) })
    const flags = [
      '--schema',
      'schema.json',
      '--audit',
      '1',
      '--agree-on',
      'label',
      '--json',
      '-o',
      'o.jsonl',
    ]
    const { code, stdout } = await place.run(
      job(...flags).filter((flag) => !['--labels', 'labels.txt'].includes(flag)),
      environment(server.baseURL),
    )
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      stats: { audit: { disagreement: 0, noise: 0, records: 60 } },
    })
  })

  test.each([
    [['--audit-guard'], 'Expected --audit with --audit-guard'],
    [['--audit-margin', '1%'], 'Expected --audit with --audit-margin'],
    [['--audit', 'some'], '--audit: expected a share, such as 2% or 0.02, got "some"'],
    [['--audit', '2'], 'Expected --audit to be a share from 0 to 1, got 2 (number)'],
    [
      ['--audit', '2%', '--audit-margin', '100%'],
      'Expected --audit-margin to be a share from 0 to below 1, got 1 (number)',
    ],
    [
      ['--audit', '2%', '--agree-on', 'topic'],
      '--agree-on: the result has no field "topic"; there are: label',
    ],
  ])('refuses %j, as plan does', async (flags, message) => {
    using place = new Workplace(files)
    const env = { OPENAI_API_KEY: 'x' }
    const refused = { code: 2, stdout: '', stderr: `${message}\n` }
    expect(await place.run(job(...flags), { env })).toEqual(refused)
    expect(await place.run(['plan', ...job(...flags).slice(1)], { env })).toEqual(refused)
  })
})
