import { Option } from 'commander'
import { describe, expect, it, test } from 'vitest'
import * as z from 'zod'
import { estimateArms, formatEstimate, sumOf } from '../../../src/cli/eval/estimate.ts'
import { progressLine } from '../../../src/cli/eval/progress.ts'
import { formatReport } from '../../../src/cli/eval/show.ts'
import { runArguments } from '../../../src/cli/eval/use-command.ts'
import { report } from './example.ts'

describe('the report for a terminal', () => {
  it('has a row for each arm, what the verdicts mean, the recommendation, and the command alone on its line', () => {
    const text = formatReport(report, 'llm-pack-stream run x', 80)
    expect(text).toBe(`arm                   accuracy     loss in points  verdict    $/1,000  records/s
packs of 1               86.2%                                 $0.114        9.4
packs of 1 again         86.1%                                 $0.114        9.6
packs of 5               86.1%  0.1 (-1.0 to 1.2)  within     $0.0300         31
packs of 10              85.9%  0.3 (-0.9 to 1.5)  within     $0.0200         44
packs of 25              85.6%  0.6 (-0.7 to 1.9)  within     $0.0136         58
packs of 50              81.8%   4.4 (2.7 to 6.1)  beyond     $0.0115         61
packs of 50 again        82.0%                                $0.0115         60
packs of 50, 3 votes     85.0%  1.2 (-0.3 to 2.7)  unclear *  $0.0261         27
Losses against packs of one, with 95% intervals; the margin is 2.0 points. *:
stopped before the end of the sample, because it cannot win.

Use packs of 25.
They lose 0.6 points against packs of one (-0.7 to 1.9), which is below the
margin of 2 points.
They cost 88% less, and are 6 times as fast.
This holds for a-model at this server.

llm-pack-stream run x`)
  })

  it('leaves out arms without records and prices that are not known, and fits into a narrow terminal', () => {
    const arms = report.arms.map((arm, i) => ({ ...arm, costPer1000: undefined, records: i < 3 ? 10 : 0 }))
    const lines = formatReport({ ...report, arms, scoredBy: 'agreement' }, 'x', 50).split('\n')
    expect(lines[0]).toBe('arm               agreement     loss in points')
    expect(lines).not.toContain(expect.stringContaining('packs of 10'))
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(50)
  })
})

test('the estimate adds up the arms, and says what the sample can find and what is assumed', async () => {
  async function* records() {
    for (let i = 0; i < 100; i += 1) yield { text: `Where is my card ${i}?` }
    await Promise.resolve()
  }
  const arms = report.arms.slice(0, 4)
  const schema = z.object({ label: z.enum(['card', 'fee']) })
  const task = { model: 'm', instructions: 'Label it.', schema, pricing: { input: 1, output: 2 } }
  const estimates = await estimateArms(records(), arms, task)
  expect(estimates.map(({ requests }) => requests)).toEqual([100, 100, 20, 10])
  expect(estimates.map(({ smallest }) => smallest === undefined)).toEqual([true, true, false, false])
  const sum = sumOf(estimates)
  expect(sum.requests).toBe(230)
  expect(sum.cost?.expected).toBeCloseTo(
    estimates.reduce((all, { cost }) => all + (cost?.expected ?? NaN), 0),
  )
  const text = formatEstimate(estimates, 80)
  expect(text).toMatch(/^arm +requests +cost +time +finds a loss of\n/)
  expect(text).toMatch(/\nall +230 +\$/)
  expect(text).toContain('ASSUMED')
  const free = await estimateArms(records(), arms, { ...task, pricing: undefined } as never)
  expect(sumOf(free).cost).toBeUndefined()
  expect(formatEstimate(free, 80)).not.toContain('cost')
})

test.each([
  [200, '1,234 of 21,000  5%  packs of 10  $0.1234  45/s  ETA 7:20'],
  [40, '1,234 of 21,000  5%  packs of 10'],
  [10, ''],
])('the progress in %i columns has whole parts only', (columns, line) => {
  const seen = { arm: 'packs of 10', stopped: [], done: 1_234, total: 21_000, cost: 0.1234 }
  expect(progressLine(seen, 45, columns)).toBe(line)
})

describe('the command of the recommendation', () => {
  const own = [
    ...['--gold <columns>', '--sizes <numbers>', '-o, --output <file>', '--report <file>', '--yes'],
    ...['--field <name>', '--simulate', '--json'],
  ].map((flags) => new Option(flags))
  const ofRun = own.filter(({ long }) => ['--output', '--field', '--simulate', '--json'].includes(long ?? ''))
  const use = (...argv: string[]) => runArguments(['eval', ...argv], own, ofRun, 25).join(' ')

  it.each([
    ['in.csv --gold label --field text', 'run in.csv --field text'],
    ['--gold=label in.csv --yes --field=text -o a.jsonl', 'run in.csv --field=text'],
    ['-oa.jsonl --simulate in.csv --report x.html --sizes 1,2', 'run --simulate in.csv'],
    ['--output=a.jsonl in.csv', 'run in.csv'],
    // The value of a flag may look like a flag.
    ['--field --gold in.csv', 'run --field --gold in.csv'],
  ])('%s', (argv, kept) => {
    expect(use(...argv.split(' '))).toBe(`${kept} --max-pack-records 25 -o results.jsonl`)
  })

  it('keeps everything behind --', () => {
    expect(use('--gold', 'x', '--', '--odd.csv')).toBe(
      'run --max-pack-records 25 -o results.jsonl -- --odd.csv',
    )
  })
})
