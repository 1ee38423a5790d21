import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { RecordError, RequestError, type Outcome } from 'llm-pack-stream'
import { writeOutcomes } from 'llm-pack-stream/readers'
import { startSimulator } from 'llm-pack-stream/simulator'
import { Groups } from '../../src/cli/errors/groups.ts'
import { adviceFor } from '../../src/cli/measure/advice.ts'
import { atOnce, cli, jsonl, messages, parseLines, Workplace } from '../helpers/cli.ts'

const invalid = (team: string): RecordError =>
  new RecordError(
    'invalid_result',
    'The result does not match the schema at team: expected one of "a", "b"',
    {
      raw: `{"id":104,"team":${JSON.stringify(team)}}`,
    },
  )
const failed = (attempt: number): RecordError =>
  new RecordError('request_failed', `The request failed on attempt ${attempt}`, {
    cause: new RequestError('api_error', 'The server answered with an error (503)', { status: 503 }),
  })
const reasons = [undefined, invalid('Billing'), failed(4), invalid('x\ny'), failed(2), failed(3), failed(4)]
const outcomes = reasons.map((reason, index): Outcome<unknown, unknown> => {
  const record = { id: `id-${index}`, text: `Where is my parcel, please?` }
  return reason
    ? { status: 'rejected', index, record, reason, attempts: 1 }
    : { status: 'fulfilled', index, record, value: { team: 'a' }, attempts: 1 }
})

async function place(format: 'jsonl' | 'csv' | 'tsv', rows = outcomes): Promise<Workplace> {
  return new Workplace({ [`out.${format}`]: await text(Readable.from(rows).pipe(writeOutcomes({ format }))) })
}

test.each(['out.json', 'out.parquet'])(
  'errors reads the rows of a run to %s that a kill ended',
  async (out) => {
    using work = await place('jsonl')
    const rows = work.read('out.jsonl')
    work.write({ [`${out}.run.jsonl`]: rows, ...(out === 'out.json' ? { [out]: '[]' } : {}) })
    const { code, stdout } = await work.run(['errors', out])
    expect(code).toBe(0)
    expect(stdout).toContain(`6 of 7 rows of ${out}.run.jsonl were rejected.`)
  },
)

test.each(['jsonl', 'csv', 'tsv'] as const)(
  'errors groups the rejected rows of .%s by reason',
  async (format) => {
    using work = await place(format)
    const { code, stdout, stderr } = await work.run(['errors', `out.${format}`])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const isTable = format !== 'jsonl'
    // A cell with a line break takes two lines.
    const line = (row: number): number => row + (isTable ? 2 : 1)
    expect(stdout).toBe(`6 of 7 rows of out.${format} were rejected.

4      request_failed: The request failed: The server answered with an error
       (503)
at     out.${format}:${line(2)}, record 2
       {"id":"id-2","text":"Where is my parcel, please?"}
at     out.${format}:${line(4)}, record 4
       {"id":"id-4","text":"Where is my parcel, please?"}
at     out.${format}:${line(5)}, record 5
       {"id":"id-5","text":"Where is my parcel, please?"}
to do  If the server works again now, ask the records again with
       --retry-rejected. Otherwise the message names the failure.

2      invalid_result: The result does not match the schema at team: expected
       one of "a", "b"
at     out.${format}:${line(1)}, record 1
       {"id":"id-1","text":"Where is my parcel, please?"}
wrote  {"id":104,"team":"Billing"}
at     out.${format}:${line(3)}, record 3
       {"id":"id-3","text":"Where is my parcel, please?"}
wrote  {"id":104,"team":"x\\ny"}
to do  Compare the model's text with the schema. Say in the instructions what
       belongs there, or allow the value in --schema or --labels. Then ask the
       records again with --retry-rejected.
`)
  },
)

test('--json has the same, also of several files and of standard input', async () => {
  using work = await place('jsonl')
  const rows = work.read('out.jsonl')
  const { stdout } = await work.run(['errors', 'out.jsonl', '--json'])
  const report = JSON.parse(stdout) as { groups: { examples: unknown[] }[] }
  expect(report).toMatchObject({
    ...{ files: ['out.jsonl'], rows: 7, rejected: 6, foreign: 0 },
    groups: [
      {
        code: 'request_failed',
        count: 4,
        reason: 'The request failed: The server answered with an error (503)',
      },
      { code: 'invalid_result', count: 2 },
    ],
  })
  expect(report.groups[1]?.examples[0]).toEqual({
    ...{ row: 'out.jsonl:2', index: 1, record: '{"id":"id-1","text":"Where is my parcel, please?"}' },
    message: 'The result does not match the schema at team: expected one of "a", "b"',
    raw: '{"id":104,"team":"Billing"}',
  })
  const piped = await work.run(['errors', '-', 'out.jsonl', '--json'], { input: rows })
  expect(JSON.parse(piped.stdout)).toMatchObject({
    rows: 14,
    rejected: 12,
    groups: [{ count: 8 }, { count: 4 }],
  })
})

test('a file without rejected rows, rows of others, and a file that is not there', async () => {
  using work = await place('jsonl', outcomes.slice(0, 1))
  expect(await work.run(['errors', 'out.jsonl'])).toEqual({
    ...{ code: 0, stderr: '', stdout: 'No row of out.jsonl was rejected.\n' },
  })
  work.write({ 'out.jsonl': `${work.read('out.jsonl')}{"_index":"x"}\n{"id":1,"_in` })
  const torn = await work.run(['errors', 'out.jsonl'])
  expect(torn.stdout).toBe('No row of out.jsonl was rejected.\n2 rows are not from a run.\n')
  const absent = await work.run(['errors', 'nope.jsonl'])
  expect(absent).toMatchObject({ code: 2, stdout: '' })
  expect(absent.stderr).toContain('nope.jsonl')
})

test('the rejects file of a real run, with a bad row, and what the model wrote', async () => {
  await using simulator = await startSimulator({
    latency: { timeToFirstToken: 0, outputTokensPerSecond: Infinity },
    faults: { poison: { refusal: /number 1:/ } },
  })
  using work = new Workplace({ 'in.jsonl': `${jsonl(messages(3))}{"broken\n` })
  const args = [...work.job(), '-o', 'out.csv', '--rejects', 'rejects.jsonl', '--field', 'text']
  expect((await work.run(args, { env: { OPENAI_BASE_URL: simulator.baseURL } })).code).toBe(1)
  for (const file of ['out.csv', 'rejects.jsonl']) {
    const { stdout } = await work.run(['errors', file])
    expect(stdout).toContain(`refused: The model refused to answer for this record alone\n`)
    expect(stdout).toMatch(/\nat +\S+, record 1\n +\{"id":"id-1",.*\nwrote +\S.*\n/)
    expect(stdout).toMatch(
      /invalid_json: expected JSON.*\nat +\S+, record 3\n +\{"broken\nto do +Mend the row/,
    )
  }
  // The rejects file is an input of another run, without the text of the model.
  const again = await work.run([...work.job(['rejects.jsonl']), '--field', 'text', ...atOnce])
  expect(parseLines(again.stdout).find((row) => row['id'] === 'id-1')).toEqual({
    ...messages(3)[1],
    label: 'returns',
    _index: expect.any(Number) as number,
  })
})

test('many different reasons, and long texts, take bounded memory', () => {
  const groups = new Groups()
  for (let i = 0; i < 10_000; i += 1) {
    const reason = {
      code: 'invalid_result',
      message: `${'x'.repeat(i % 3_000)} is wrong`,
      raw: 'r'.repeat(4_096),
    }
    groups.add(`out.jsonl:${i}`, { index: i, reason, own: { text: 't'.repeat(10_000) } })
  }
  const report = groups.report(['out.jsonl'])
  expect(report).toMatchObject({ rows: 10_000, rejected: 10_000 })
  expect(report.groups).toHaveLength(51)
  const others = report.groups.find(({ code }) => code === 'other')
  expect(others).toMatchObject({ reason: 'all further reasons', advice: '' })
  expect(JSON.stringify(report).length).toBeLessThan(51 * 3 * 5_000)
})

test('each flag in the advice is a flag of run', async () => {
  const { stdout } = await cli(['run', '--help'])
  const codes = ['invalid_result', 'missing_result', 'answer_truncated', 'request_failed', 'too_long']
  const flags = codes.flatMap((code) => adviceFor(code).match(/--[\w-]+/g) ?? [])
  expect(flags).toContain('--retry-rejected')
  for (const flag of flags) expect(stdout).toContain(`${flag} `)
  expect(adviceFor('a_code_of_later')).toBe('')
})
