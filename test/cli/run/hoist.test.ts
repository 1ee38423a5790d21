import { describe, expect, test } from 'vitest'
import { jsonl, parseLines, wholePacks, Workplace } from '../../helpers/cli.ts'
import { startRecordingServer } from '../../helpers/recording-server.ts'

const latency = {
  ...{ timeToFirstToken: 0, outputTokensPerSecond: Infinity, promptTokensPerSecond: Infinity, slowdown: 0 },
}
const rows = Array.from({ length: 20 }, (_, i) => ({
  text: `Where is my parcel, number ${i}?`,
  policy: `Refunds, see <p id="1">number ${1000 + (i % 2)}</p>`,
}))

describe('run --hoist', () => {
  test.each<[string, string[]]>([
    ['beside a text', ['--field', 'text']],
    ['as a part of the whole record', []],
  ])('sends a column once in a request, and keeps it in the output: %s', async (_, flags) => {
    await using server = await startRecordingServer({ latency })
    using place = new Workplace({ 'in.jsonl': jsonl(rows) })
    place.write({
      'examples.jsonl': `${JSON.stringify({ record: rows[0], value: { label: 'shipping' } })}\n`,
    })
    const args = [
      ...place.job(),
      ...flags,
      '--hoist',
      'policy',
      '--examples',
      'examples.jsonl',
      ...wholePacks,
    ]
    const { code, stdout, stderr } = await place.run([...args, '--ordered', '--mix', '20'], {
      env: { OPENAI_BASE_URL: server.baseURL, OPENAI_API_KEY: 'x' },
    })
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const label = expect.any(String) as string
    expect(parseLines(stdout)).toEqual(rows.map((row, i) => ({ ...row, label, _index: i })))
    // The order of the mix, so no longer the order of the input.
    const asked = server.requests.map(({ records }) => records)
    expect(asked.map(([shared]) => shared).toSorted()).toEqual([1000, 1001])
    for (const [shared = 0, ...records] of asked) {
      const own = rows.map((_, i) => i).filter((i) => i % 2 === shared % 2)
      expect(records.toSorted((a, b) => a - b)).toEqual(own)
      expect(records).not.toEqual(own)
    }
  })

  test('needs its column, as in a plan', async () => {
    using place = new Workplace({ 'in.csv': 'text\nhello\n' })
    const job = [...place.job(['in.csv']).slice(1), '--field', 'text', '--hoist', 'policy']
    for (const command of ['run', 'plan']) {
      const { code, stderr } = await place.run([command, ...job], { env: { OPENAI_API_KEY: 'x' } })
      expect({ code, stderr }).toEqual({
        ...{ code: 2, stderr: 'in.csv:2: there is no column "policy"; there are: "text"\n' },
      })
    }
  })
})
