import { expect, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'
import { jsonl, messages, Workplace } from '../helpers/cli.ts'

const fast = { timeToFirstToken: 0, outputTokensPerSecond: Infinity, promptTokensPerSecond: Infinity }
const small = ['--max-pack-records', '5', '--max-in-flight', '1']

test.each([
  ['2%', 1],
  ['0.02', 1],
  ['1', 2],
])('--max-rejects %s ends the run with exit code 4, and the same command goes on', async (most, rejected) => {
  await using simulator = await startSimulator({
    latency: fast,
    faults: { poison: { refusal: /number [23]:/ } },
  })
  const env = { OPENAI_BASE_URL: simulator.baseURL }
  using place = new Workplace({ 'in.jsonl': jsonl(messages(60)) })
  const args = [...place.job(), '-o', 'out.jsonl', ...small, '--max-rejects', most]
  const first = await place.run(args, { env, isLoud: true })
  expect(first.code).toBe(4)
  expect(first.stderr).toMatch(
    new RegExp(`^${rejected} of \\d+ records were rejected, and --max-rejects is ${most === '1' ? 1 : 0.02}`),
  )
  expect(first.stderr).toMatch(/\nrejected +[12] refused: The model refused/)
  expect(first.stderr).toMatch(/\nout\.jsonl has \d+ records\. Run the same command again to go on\.\n$/)
  const before = place.rows('out.jsonl')
  expect(before.filter((row) => '_error' in row)).toHaveLength(rejected)
  // Rejections of earlier runs do not count again.
  let last = await place.run(args, { env, isLoud: true })
  if (last.code === 4) last = await place.run(args, { env, isLoud: true })
  expect(last.code).toBe(1)
  expect(place.rows('out.jsonl').slice(0, before.length)).toEqual(before)
  expect(place.rows('out.jsonl')).toHaveLength(60)
})

test.each(['x', '2 %%', '100%', '-1%', '%'])('--max-rejects %s is refused', async (most) => {
  using place = new Workplace({ 'in.jsonl': jsonl(messages(1)) })
  const { code, stderr } = await place.run([...place.job(), '--simulate', '--max-rejects', most])
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringMatching(/^--max-rejects: expected /) as string,
  })
})
