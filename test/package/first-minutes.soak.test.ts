import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'
import { bareEnv, jsonl, messages, parseLines } from '../helpers/cli.ts'
import { packedProject } from '../helpers/packed-project.ts'
import { root } from '../helpers/run.ts'

/*
 * A new user's first ten minutes: what the packed README says, typed as written, with the real npx.
 * Only `npm install NAME` links this checkout's copy, so that the test needs no network.
 */

const project = packedProject(['zod'])
const readme = readFileSync(join(project, 'node_modules/llm-pack-stream/README.md'), 'utf8')
const page = readFileSync(join(project, 'node_modules/llm-pack-stream/docs/cli.md'), 'utf8')

beforeAll(() => {
  // npx looks for the command here, and must not ask for a package of this name.
  chmodSync(join(project, 'node_modules/llm-pack-stream/dist/cli/main.js'), 0o755)
  mkdirSync(join(project, '.tools'))
  const npm = join(project, '.tools/npm')
  writeFileSync(npm, `#!/bin/sh\nexec '${join(root, 'test/pages/bin/npm')}' "$@"\n`)
  chmodSync(npm, 0o755)
})
afterAll(() => {
  rmSync(project, { recursive: true })
})

/** Types a command into a shell. */
function start(command: string, env: Readonly<Record<string, string>> = {}) {
  const PATH = [join(project, '.tools'), dirname(process.execPath), process.env['PATH']].join(delimiter)
  const shell = spawn('bash', ['-ec', command], {
    ...{ cwd: project, env: { ...bareEnv, PATH, npm_config_offline: 'true', ...env } },
    ...{ stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  })
  const said = { stdout: '', stderr: '' }
  shell.stdout.on('data', (text: Buffer) => (said.stdout += text.toString()))
  shell.stderr.on('data', (text: Buffer) => (said.stderr += text.toString()))
  const ended = once(shell, 'close').then(([code, signal]: (string | number | null)[]) => ({
    // The exit code in the form of a shell.
    code: signal === 'SIGINT' ? 130 : code,
    ...said,
  }))
  return { shell, ended }
}

const type = async (command: string, env?: Readonly<Record<string, string>>) => start(command, env).ended

/** The block of a page that has a text. */
function blockWith(text: string, of: string): string {
  const blocks = Array.from(of.matchAll(/^```\w+\n([^]*?)^```$/gm), ([, block = '']) => block)
  const found = blocks.find((block) => block.includes(text))
  if (found === undefined) throw new Error(`No block has ${text}`)
  return found
}

const job = `npx llm-pack-stream run tickets.csv --field text --labels labels.txt --prompt 'What is it about?' --model m`

describe('before anything else is installed', () => {
  test('npx llm-pack-stream alone shows the commands, and where to begin', async () => {
    const { code, stdout, stderr } = await type('npx llm-pack-stream')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^No command\n\nUsage: llm-pack-stream /)
    expect(stderr).toContain('npx llm-pack-stream demo')
    expect((await type('npx llm-pack-stream --help')).code).toBe(0)
  })

  test.each([
    ['rnu', '(Did you mean run?)'],
    ['run --modle x', '(Did you mean --model?)'],
    ['run nothing.csv', 'nothing.csv: it does not exist'],
  ])('a slip of the pen gets a hint: %s', async (args, hint) => {
    const { code, stderr } = await type(`npx llm-pack-stream ${args}`)
    expect(code).toBe(2)
    expect(stderr).toContain(hint)
  })

  it('the demo runs, and leaves no file behind', async () => {
    const before = existsSync(join(project, '.env'))
    const { code, stdout, stderr } = await type('npx llm-pack-stream demo')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^records +330 of 330 +330 of 330$/m)
    expect(existsSync(join(project, '.env'))).toBe(before)
  })
})

describe('the README, from top to bottom', () => {
  test('the first run, and the plan', async () => {
    const run = await type(blockWith('> tickets.csv', readme))
    expect(run.code).toBe(0)
    const rows = parseLines(readFileSync(join(project, 'labels.jsonl'), 'utf8'))
    expect(rows.map(({ id, label }) => [id, label])).toEqual([
      ['1', 'card'],
      ['2', 'fee'],
      ['3', 'card'],
    ])
    const plan = await type(blockWith('llm-pack-stream plan', readme))
    expect({ code: plan.code, stderr: plan.stderr }).toEqual({ code: 0, stderr: '' })
    expect(plan.stdout).toContain('Chosen 1. Packing does not pay here')
  })

  test('the first run of docs/cli.md', async () => {
    for (const name of ['labels.jsonl', 'labels.jsonl.run.json']) rmSync(join(project, name))
    const { code, stdout } = await type(
      blockWith('> prompt.md', page) + blockWith('cat labels.jsonl\n', page),
    )
    expect(code).toBe(0)
    expect(stdout).toContain(blockWith('"text":"Where is my card?"', page))
  })

  test('the program', async () => {
    await using simulator = await startSimulator({ latency: { timeToFirstToken: 1 } })
    await type('npm install openai')
    writeFileSync(join(project, 'label.mts'), blockWith("from 'openai'", readme))
    const env = { OPENAI_BASE_URL: simulator.baseURL, OPENAI_API_KEY: 'x' }
    const { code, stdout } = await type(blockWith('node label.mts', readme), env)
    expect({ code, stdout }).toEqual({ code: 0, stdout: blockWith("ada { team: 'shipping'", readme) })
  })
})

describe('what goes wrong', () => {
  test('no key', async () => {
    const { code, stderr } = await type(`${job} -o no-key.jsonl`)
    expect(code).toBe(2)
    expect(stderr).toMatch(/^Expected OPENAI_API_KEY to be set .*--simulate needs neither\n$/)
  })

  test('a wrong key, and then the right key', async () => {
    await using simulator = await startSimulator({ apiKey: 'right' })
    const as = (key: string) => ({ OPENAI_BASE_URL: simulator.baseURL, OPENAI_API_KEY: key })
    const wrong = await type(`${job} -o key.jsonl`, as('wrong'))
    expect(wrong.code).toBe(3)
    expect(wrong.stderr).toMatch(
      /^The API refused the key: check the key and its permissions \(401 invalid_api_key\)/,
    )
    expect(wrong.stderr).toContain('Run the same command again to go on.')
    expect(await type(`${job} -o key.jsonl`, as('right'))).toMatchObject({ code: 0 })
    expect(parseLines(readFileSync(join(project, 'key.jsonl'), 'utf8'))).toHaveLength(3)
  })

  test('Ctrl-C half way, and the same command again', async () => {
    writeFileSync(join(project, 'many.jsonl'), jsonl(messages(400)))
    writeFileSync(join(project, 'topics.txt'), 'shipping\nreturns\npayments\n')
    const command = `npx llm-pack-stream run many.jsonl --field text --labels topics.txt --prompt 'What is it about?' --model m -o many-out.jsonl --simulate --time-to-first-token 300`
    const { shell, ended } = start(command)
    const output = join(project, 'many-out.jsonl')
    const rows = () => (existsSync(output) ? parseLines(readFileSync(output, 'utf8')).length : 0)
    await expect.poll(rows).toBeGreaterThan(0)
    // A terminal sends the signal to all processes of the command.
    process.kill(-shell.pid!, 'SIGINT')
    expect((await ended).code).toBe(130)
    const before = rows()
    expect(before).toBeLessThan(400)
    expect((await type(command)).code).toBe(0)
    const ids = parseLines(readFileSync(output, 'utf8')).map(({ id }) => id)
    expect(ids).toHaveLength(400)
    expect(new Set(ids).size).toBe(400)
  })
})
