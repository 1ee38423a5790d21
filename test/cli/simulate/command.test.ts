import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'

const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))

function run(...args: string[]) {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  const closed = once(child, 'close').then(([code]) => ({ ...output, code: code as number | null }))
  return { child, output, closed }
}

test.each(['SIGINT', 'SIGTERM'] as const)('simulate runs until %s', async (signal) => {
  const { child, output, closed } = run(
    ...['simulate', '--port', '0', '--time-to-first-token', '0', '--output-tokens-per-second', 'Infinity'],
    ...[
      '--prompt-tokens-per-second',
      'Infinity',
      '--slowdown=0',
      '--rpm',
      '60',
      '--tpm',
      '6000',
      '--context-tokens',
      '30',
      '--api-key',
      'k1',
    ],
  )
  while (!output.stdout.includes('Ctrl-C')) await once(child.stdout, 'data')
  expect(output.stdout).toContain('not a model')
  expect(output.stdout).toMatch(/^export OPENAI_API_KEY=k1$/m)
  const baseURL = /^export OPENAI_BASE_URL=(http:\/\/127\.0\.0\.1:\d+\/v1)$/m.exec(output.stdout)?.[1]
  const response = await fetch(`${String(baseURL)}/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer k1' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }] }),
  })
  expect(response.status).toBe(200)
  expect(response.headers.get('x-ratelimit-limit-requests')).toBe('60')
  expect(response.headers.get('x-ratelimit-limit-tokens')).toBe('6000')
  // The prompt takes a few tokens. The answer ends at the end of the context.
  expect(await response.json()).toMatchObject({
    choices: [{ finish_reason: 'length' }],
    usage: { total_tokens: 30 },
  })
  child.kill(signal)
  expect(await closed).toMatchObject({ code: 0, stderr: '' })
})

test('simulate with faults: the seed decides which requests fail', async () => {
  const fatesWith = async (seed: string): Promise<string[]> => {
    const { child, output, closed } = run(
      ...['simulate', '--port=0', '--time-to-first-token=0', '--output-tokens-per-second=Infinity'],
      ...['--fault-rate', '0.9', '--fault-seed', seed],
    )
    while (!output.stdout.includes('Ctrl-C')) await once(child.stdout, 'data')
    const baseURL = /^export OPENAI_BASE_URL=(.*)$/m.exec(output.stdout)?.[1]
    // Some answers never come.
    const leaving = new AbortController()
    const quiet = setTimeout(() => {
      leaving.abort()
    }, 5_000)
    const fates = await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: `message ${i}` }] })
        const url = `${String(baseURL)}/chat/completions`
        return fetch(url, { method: 'POST', body, signal: leaving.signal })
          .then(
            ({ status, headers }) => `${status} ${headers.get('content-type') ?? ''}`,
            () => 'none',
          )
          .finally(() => quiet.refresh())
      }),
    )
    clearTimeout(quiet)
    child.kill()
    expect(await closed).toMatchObject({ code: 0, stderr: '' })
    return fates
  }
  const [first, again, other] = await Promise.all([fatesWith('7'), fatesWith('7'), fatesWith('8')])
  expect(new Set(first).size).toBeGreaterThan(3)
  expect(again).toEqual(first)
  expect(other).not.toEqual(first)
})

test('a port in use causes one clear line', async () => {
  await using simulator = await startSimulator()
  const { port } = new URL(simulator.baseURL)
  const { code, stderr } = await run('simulate', '--port', port).closed
  expect(code).toBe(3)
  expect(stderr).toBe(`Port ${port} is in use. Choose another one with --port, or 0 for any free one.\n`)
})

describe.each<[string[], string]>([
  [['simulate', '--sped', '3'], '--sped'],
  [['simulate', 'now'], 'now'],
  [['simulate', '--rpm', 'many'], '--rpm: expected a number, got "many"'],
  [['simulate', '--rpm', '0'], '--rpm: expected a whole number from 1, got 0'],
  [['simulate', '--fault-rate', '2'], '--fault-rate: expected a share from 0 to 1, got 2'],
  [['simulate', '--fault-seed', '0.5'], '--fault-seed: expected a whole number, got 0.5'],
  [['simulate', '--context-tokens', '0'], '--context-tokens: expected a whole number from 1, got 0'],
  [['simulate', '--port', '99999'], '--port: expected a port from 0 to 65535, got 99999'],
  [['simulate', '--time-to-first-token=-1'], '--time-to-first-token: expected milliseconds from 0, got -1'],
  [['simualte'], "unknown command 'simualte'"],
  [[], 'No command'],
])('%j', (args, message) => {
  test.concurrent('is a usage error that names the flag', async () => {
    const { code, stderr, stdout } = await run(...args).closed
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })
})

test.each([
  [['--help'], 'simulate'],
  [['simulate', '--help'], '--output-tokens-per-second'],
  [['simulate', '--help'], '--context-tokens'],
  [['simulate', '--help'], '--fault-rate <share>'],
  [['simulate', '--help'], '--fault-seed <number>'],
])('%j shows help', async (args, word) => {
  const { code, stdout } = await run(...args).closed
  expect(code).toBe(0)
  expect(stdout).toContain(word)
})
