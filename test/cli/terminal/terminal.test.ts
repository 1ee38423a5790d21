import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { atOnce, bareEnv, jsonl, main, messages, wholePacks, Workplace } from '../../helpers/cli.ts'
import { startRecordingServer } from '../../helpers/recording-server.ts'

/** Runs a shell command on a pseudo-terminal with `columns` columns. The person types `keys`. */
function onTerminal(
  command: string,
  { cwd, env, columns }: { cwd: string; env: Record<string, string>; columns: number },
) {
  const child = spawn('script', ['-qefc', `stty cols ${columns} rows 24; exec ${command}`, '/dev/null'], {
    ...{ cwd, env: { ...bareEnv, TERM: 'xterm', ...env }, stdio: ['pipe', 'pipe', 'ignore'] },
  })
  const screen = { text: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (screen.text += text))
  return {
    screen,
    type: (keys: string) => child.stdin.write(keys),
    ended: once(child, 'close').then(([code]) => code as number),
    until: async (pattern: RegExp) => {
      while (!pattern.test(screen.text)) await once(child.stdout, 'data')
    },
  }
}

const quoted = (args: readonly string[]) => args.map((arg) => `'${arg}'`).join(' ')
const commands = /\x1b\[[0-9;?]*[A-Za-z]/g
/** All texts that were on the screen at some time, one line each. */
const lines = (text: string) =>
  text
    .replace(commands, '\n')
    .split(/[\r\n]+/)
    .map((line) => line.trimEnd())

const latency = { timeToFirstToken: 250, outputTokensPerSecond: 1_000, slowdown: 0 }

test('a person sees the progress, and a summary at the end', async () => {
  await using server = await startRecordingServer({ latency })
  using place = new Workplace({ 'in.jsonl': jsonl(messages(400)) })
  const prices = ['--price-in', '0.15', '--price-out', '0.6']
  const args = [...place.job(), '-o', 'out.jsonl', ...prices, ...wholePacks]
  const command = `'${process.execPath}' '${main}' ${quoted(args)}`
  const { screen, ended } = onTerminal(command, {
    cwd: place.path,
    env: { OPENAI_BASE_URL: server.baseURL },
    columns: 110,
  })
  expect(await ended).toBe(0)
  const seen = lines(screen.text)
  const progress = seen.filter((line) => line.includes('in flight'))
  expect(progress.length).toBeGreaterThan(3)
  for (const line of progress) expect(line.length).toBeLessThan(110)
  expect(
    progress.some((line) =>
      /^[█░]{20} {2}\d+ of ~?\d+ {2}\d+% {2}[\d.]+\/s {2}ETA \d+:\d\d {2}\$0\.\d{4} {2}\d in flight {2}[\d,]+ tokens$/.test(
        line,
      ),
    ),
  ).toBe(true)
  const summary = seen.filter((line) => line !== '').slice(-6)
  expect(summary.join('\n')).toMatch(
    new RegExp(
      [
        'done      400 records, 400 fulfilled, 0 rejected',
        String.raw`time      [\d.]+ (ms|s), \d+/s`,
        String.raw`requests  1\d`,
        String.raw`tokens    [\d,]+ in \([\d,]+ cached\), [\d,]+ out`,
        String.raw`cost      \$0\.\d{4}`,
        'output    out.jsonl$',
      ].join('\n'),
    ),
  )
})

test('Ctrl-C: a message says what happens, and how to go on', async () => {
  // Long enough for the key to arrive on a busy machine before the answers come.
  await using server = await startRecordingServer({ latency: { ...latency, timeToFirstToken: 3_000 } })
  using place = new Workplace({ 'in.jsonl': jsonl(messages(400)) })
  const args = [...place.job(), '-o', 'out.jsonl', ...wholePacks]
  const command = `'${process.execPath}' '${main}' ${quoted(args)}`
  const terminal = onTerminal(command, {
    cwd: place.path,
    env: { OPENAI_BASE_URL: server.baseURL },
    columns: 80,
  })
  await terminal.until(/[1-4] in flight/)
  terminal.type('\x03')
  expect(await terminal.ended).toBe(130)
  const text = lines(terminal.screen.text).join('\n')
  expect(text).toMatch(
    /Stopping: nothing more is sent, [1-4] requests? (is|are) let to the end\. Ctrl-C again aborts them: the next run asks their records again\./,
  )
  expect(text).toContain('Stopped.')
  expect(text).toMatch(/out\.jsonl has (25|50|75|100) records\. Run the same command again to go on\./)
})

test('records on the screen are not mixed with a progress line, and there is none in a pipe', async () => {
  await using server = await startRecordingServer({ latency })
  using place = new Workplace({ 'in.jsonl': jsonl(messages(60)) })
  const env = { OPENAI_BASE_URL: server.baseURL }
  const command = `'${process.execPath}' '${main}' ${quoted(place.job())}`
  const toScreen = onTerminal(command, { cwd: place.path, env, columns: 100 })
  expect(await toScreen.ended).toBe(0)
  expect(toScreen.screen.text).not.toContain('in flight')
  expect(lines(toScreen.screen.text).filter((line) => line.startsWith('{"id"'))).toHaveLength(60)
  const piped = onTerminal(`sh -c "${command} | wc -l"`, { cwd: place.path, env, columns: 100 })
  expect(await piped.ended).toBe(0)
  expect(piped.screen.text).not.toContain('in flight')
  expect(piped.screen.text).toMatch(/\b60\b/)
})

test.each(['{"progress":false}', '{"no-progress":true}', '{"noProgress":false}'])(
  'a config file decides whether there is a progress line: %s',
  async (config) => {
    await using server = await startRecordingServer({ latency })
    using place = new Workplace({ 'in.jsonl': jsonl(messages(100)), 'job.json': config })
    const args = [...place.job(), '-o', 'out.jsonl', '--config', 'job.json']
    const command = `'${process.execPath}' '${main}' ${quoted(args)}`
    const env = { OPENAI_BASE_URL: server.baseURL }
    const { screen, ended } = onTerminal(command, { cwd: place.path, env, columns: 100 })
    expect(await ended).toBe(0)
    expect(screen.text.includes('in flight')).toBe(config === '{"noProgress":false}')
  },
)

test('a reader may close standard output: the run ends quietly', async () => {
  await using server = await startRecordingServer({ latency })
  using place = new Workplace({ 'in.jsonl': jsonl(messages(400)) })
  const env = { OPENAI_BASE_URL: server.baseURL }
  const command = `'${process.execPath}' '${main}' ${quoted(place.job())}`
  const { screen, ended } = onTerminal(`sh -c "${command} 2>err.txt | head -n 1"`, {
    cwd: place.path,
    env,
    columns: 100,
  })
  expect(await ended).toBe(0)
  expect(lines(screen.text).filter((line) => line.startsWith('{"id"'))).toHaveLength(1)
  expect(place.read('err.txt')).toBe('')
})

test.each([
  ['without a width', 0, 'xterm'],
  ['too narrow for a line', 12, 'xterm'],
  ['that cannot go back in a line', 100, 'dumb'],
])('a terminal %s gets no progress line, but the summary', async (_, columns, TERM) => {
  await using server = await startRecordingServer({ latency })
  using place = new Workplace({ 'in.jsonl': jsonl(messages(60)) })
  const command = `'${process.execPath}' '${main}' ${quoted([...place.job(), '-o', 'out.jsonl'])}`
  const env = { OPENAI_BASE_URL: server.baseURL, TERM }
  const { screen, ended } = onTerminal(command, { cwd: place.path, env, columns })
  expect(await ended).toBe(0)
  expect(screen.text).not.toContain('in flight')
  expect(screen.text).not.toContain('\x1b')
  expect(screen.text).toContain('60 records, 60 fulfilled, 0 rejected')
})

test('the summary of a simulated run says that no model wrote the results', async () => {
  using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
  const command = `'${process.execPath}' '${main}' ${quoted([...place.job(), '-o', 'out.jsonl', ...atOnce])}`
  const { screen, ended } = onTerminal(command, { cwd: place.path, env: {}, columns: 100 })
  expect(await ended).toBe(0)
  expect(screen.text).toContain('server    the simulator, which is no model')
})

test('a closed standard output does not change the exit code of the run', async () => {
  using place = new Workplace({ 'in.jsonl': jsonl(messages(3)) })
  const args = quoted([...place.job(), '--json', '-o', 'out.jsonl', ...atOnce])
  const inShell = `bash -c "'${process.execPath}' '${main}' ${args} 2>err.txt | true; exit \\\${PIPESTATUS[0]}"`
  expect(await onTerminal(inShell, { cwd: place.path, env: {}, columns: 100 }).ended).toBe(0)
  expect(place.read('err.txt')).toBe('')
})

test('a word about a later file stands on a line of its own, above the progress', async () => {
  await using server = await startRecordingServer({ latency })
  const rows = messages(400).map(({ id, text }) => `${id};${text}\n`)
  using place = new Workplace({ 'in.jsonl': jsonl(messages(400)), 'later.csv': `id;text\n${rows.join('')}` })
  const args = [...place.job(['in.jsonl', 'later.csv']), '-o', 'out.jsonl', ...wholePacks]
  const command = `'${process.execPath}' '${main}' ${quoted(args)}`
  const env = { OPENAI_BASE_URL: server.baseURL }
  const { screen, ended } = onTerminal(command, { cwd: place.path, env, columns: 100 })
  expect(await ended).toBe(0)
  const word = 'later.csv: its header has no comma, so ";" separates its columns (--delimiter)'
  expect(screen.text).toContain(`\r\x1b[J${word}\r\n`)
})
