import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { PassThrough, Writable } from 'node:stream'
import { expect, it, test } from 'vitest'
import { startSimulator, type SimulatorOptions } from 'llm-pack-stream/simulator'
import { compare } from '../../../src/cli/demo/compare.ts'
import { estimateOf } from '../../../src/cli/demo/estimate.ts'
import { fit } from '../../../src/cli/demo/show.ts'
import type { Io } from '../../../src/cli/io.ts'
import { runCli } from '../../../src/cli/run-cli.ts'
import { startRecordingServer } from '../../helpers/recording-server.ts'

const fast: SimulatorOptions = {
  latency: { timeToFirstToken: 1, outputTokensPerSecond: 100_000, slowdown: 0 },
}
const tickets = readFileSync(new URL('../../../examples/data/tickets.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { text: string; label: string })

/**
 * The surroundings of a demo.
 *
 * @param answer What a person types at a terminal. `undefined`: there is no terminal.
 * @param stopAt A text on standard output after which the person presses Ctrl-C.
 */
function surroundings(env: Record<string, string> = {}, answer?: string, stopAt?: string) {
  const said = { stdout: '', stderr: '' }
  const isTTY = answer !== undefined
  const screen = (name: keyof typeof said, options: object) =>
    Object.assign(
      new Writable({
        write: (chunk: Buffer, _, done) => {
          said[name] += chunk.toString()
          const isSeen = stopAt !== undefined && chunk.toString().includes(stopAt)
          if (isSeen) setImmediate(() => events.emit('SIGINT', 'SIGINT'))
          done()
        },
      }),
      options,
    )
  const events = new EventEmitter()
  const io: Io = Object.assign(events, {
    ...{ pid: 0, kill: () => true },
    stdin: Object.assign(new PassThrough().end(answer), { isTTY }),
    // The results go to a pipe, so that the test can read them.
    stdout: screen('stdout', {}),
    stderr: screen('stderr', { isTTY, columns: 80 }),
    env,
  })
  return { io, said }
}

const sample = {
  records: tickets.slice(0, 30),
  labels: [...new Set(tickets.map(({ label }) => label))],
  instructions: 'Label each message.',
}

const row = (text: string, name: string) =>
  new RegExp(`^${name} +(\\S.*?\\S|\\S) {2,}(\\S.*)$`, 'm').exec(text)?.slice(1)

it('labels the sample in packs, result by result, and compares', async () => {
  await using simulator = await startSimulator(fast)
  const { io, said } = surroundings({ OPENAI_BASE_URL: simulator.baseURL })
  const code = await runCli(['demo', '--yes'], io)
  const { stdout, stderr } = said
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain(`330 records, 15 labels, by gpt-4o-mini at ${simulator.baseURL}.\n✓ is the label`)
  expect(stdout.match(/^[✓✗] \w+ +pack \d+, \d+ of \d+ /gm)).toHaveLength(330)
  expect(row(stdout, 'records')).toEqual(['330 of 330', '330 of 330'])
  expect(row(stdout, 'requests')?.[1]).toBe('330')
  expect(Number(row(stdout, 'requests')?.[0])).toBeLessThan(330 / 20)
  expect(row(stdout, 'label as in the file')?.[0]).toBe(row(stdout, 'label as in the file')?.[1])
  for (const name of ['time', 'first result after', 'records per second', 'input tokens', 'cost']) {
    expect(row(stdout, name), name).toHaveLength(2)
  }
  // The estimate of the question is near the account.
  const sum = (name: string) =>
    (row(stdout, name) ?? []).reduce((all, cell) => all + Number(cell.replace(',', '')), 0)
  const labels = [...new Set(tickets.map(({ label }) => label))]
  const { requests, input, output } = estimateOf({ ...sample, records: tickets, labels }, 'm', undefined)
  expect(requests).toBe(344)
  expect(input / sum('input tokens')).toBeCloseTo(1.35, 0)
  expect(output / sum('output tokens')).toBeCloseTo(1, 0)
})

it('asks nothing of the simulator, and says that it is no model', async () => {
  const { io, said } = surroundings()
  expect(await compare(sample, {}, io)).toBe(0)
  expect(said.stderr).toBe('')
  expect(said.stdout).toContain('30 records, 15 labels, by the embedded simulator.\nIt is no model')
  expect(row(said.stdout, 'records')).toEqual(['30 of 30', '30 of 30'])
})

it('--simulate sends nothing to a server that is set', async () => {
  await using server = await startRecordingServer(fast)
  const { io, said } = surroundings({ OPENAI_BASE_URL: server.baseURL, OPENAI_API_KEY: 'x' })
  expect(await compare({ ...sample, records: tickets.slice(0, 4) }, { simulate: true }, io)).toBe(0)
  expect(said.stdout).toContain('by the embedded simulator')
  expect(server.requests).toEqual([])
})

const question = (server: string) =>
  `The demo sends 32 requests to gpt-4o-mini at ${server},
with about 7,100 tokens in and 760 out, for about $0.0015.
That is by the list price of gpt-4o-mini (OpenAI, as of DATE); this server may have another price.
`

test.each<[string, boolean]>([
  ['y\n', true],
  [' Yes\n', true],
  ['n\n', false],
  ['\n', false],
  ['', false],
])('before it spends, it asks a person, who answers %j', async (answer, isSent) => {
  await using server = await startRecordingServer(fast)
  const { io, said } = surroundings({ OPENAI_BASE_URL: server.baseURL }, answer)
  expect(await compare(sample, {}, io)).toBe(0)
  const no = 'Nothing was sent. With --simulate the demo needs no server, and costs nothing.\n'
  expect(said.stderr.replace(/\d{4}-\d\d-\d\d/, 'DATE')).toBe(
    `${question(server.baseURL)}Send them? [y/N] ${isSent ? '' : no}`,
  )
  expect(server.requests.length > 0).toBe(isSent)
  expect(said.stdout.includes('label as in the file')).toBe(isSent)
})

it('asks no pipe: exit code 2, and nothing is sent', async () => {
  await using server = await startRecordingServer(fast)
  const { io, said } = surroundings({ OPENAI_BASE_URL: server.baseURL })
  expect(await runCli(['demo'], io)).toBe(2)
  expect(said.stderr).toMatch(/^The demo sends 344 requests to gpt-4o-mini at http/)
  expect(said.stderr).toMatch(/^Nothing was sent, because there is no terminal for a question\.$/m)
  expect(server.requests).toEqual([])
})

it('a model without a list price has no cost', async () => {
  await using server = await startSimulator(fast)
  const { io, said } = surroundings({ OPENAI_BASE_URL: server.baseURL, OPENAI_MODEL: 'my-own' }, 'y\n')
  expect(await compare(sample, {}, io)).toBe(0)
  expect(said.stderr).toContain('for a price that is not known.')
  expect(row(said.stdout, 'cost')).toEqual(['not known', 'not known'])
})

test.each([
  ['in packs', 'pack 1, 1 of '],
  ['one by one', 'The same again'],
])('Ctrl-C %s ends it with an account of the aborted requests', async (_, seen) => {
  const { io, said } = surroundings({}, undefined, seen)
  expect(await compare(sample, {}, io)).toBe(130)
  expect(said.stderr).toMatch(
    /^Stopped\. Of \d+ requests, [1-4] were aborted\.\nA server may charge for them too, .*\nThey had about [\d,]+ tokens, which is an estimate\.\n$/,
  )
  expect(said.stdout).toContain('\nSo far:\n')
})

test('no server at all ends it at the first failure, with what is wrong', async () => {
  const gone = await startSimulator()
  await gone.close()
  const { io, said } = surroundings({ OPENAI_BASE_URL: gone.baseURL })
  expect(await runCli(['demo', '-y'], io)).toBe(3)
  expect(said.stderr).toContain('The connection failed or broke off (ECONNREFUSED)')
  expect(said.stdout.match(/^! request_failed /gm)).toHaveLength(1)
})

test('a wrong key ends it with what to do', async () => {
  await using simulator = await startSimulator({ apiKey: 'right' })
  const { io, said } = surroundings({ OPENAI_BASE_URL: simulator.baseURL, OPENAI_API_KEY: 'wrong' })
  expect(await runCli(['demo', '--yes'], io)).toBe(3)
  expect(said.stderr).toMatch(
    /^The API refused the key: check the key and its permissions \(401 invalid_api_key\)/,
  )
  expect(said.stderr).toMatch(/\d+ records are unsettled/)
})

test('the rival waits when a limit is reached, and tries again', async () => {
  await using server = await startSimulator({ ...fast, faults: { rates: { server_error: 0.3 } } })
  const { io, said } = surroundings({ OPENAI_BASE_URL: server.baseURL })
  expect(await compare({ ...sample, records: tickets.slice(0, 12) }, { yes: true }, io)).toBe(0)
  expect(row(said.stdout, 'records')).toEqual(['12 of 12', '12 of 12'])
  expect(Number(row(said.stdout, 'requests')?.[1])).toBeGreaterThan(12)
})

test.each([
  ['plain', 6, 'plain'],
  ['plain text', 6, 'plain…'],
  ['日本語の文字', 6, '日本…'],
  ['a🤷b🤷‍♂️c', 6, 'a🤷b…'],
  ['héllo wörld', 20, 'héllo wörld'],
])('%j has %i columns as %j', (line, columns, fitting) => {
  expect(fit(line, columns)).toBe(fitting)
})
