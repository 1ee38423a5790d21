import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startSimulator } from 'llm-pack-stream/simulator'
import { root, runNode } from '../helpers/run.ts'

const noKey = { OPENAI_API_KEY: undefined, OPENAI_BASE_URL: undefined, OPENAI_MODEL: undefined }

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<'start' | 'banking77', string>
}

/** What `npm run` gives to Node. */
function script(name: keyof typeof scripts): string[] {
  const [program, ...args] = scripts[name].split(' ')
  expect(program).toBe('node')
  return args
}

const banking77 = join(root, '../shared/banking77/train.csv')

it('npm start labels the sample in packs, result by result, and compares', async () => {
  const { code, stdout, stderr } = await runNode(script('start'), noKey)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.match(/^[✓✗] \w+ +pack \d+, \d+ of \d+ /gm)).toHaveLength(330)
  expect(stdout).toContain('no model')
  const row = (name: string) =>
    new RegExp(`^${name} +(\\S.*?\\S|\\S) {2,}(\\S.*)$`, 'm').exec(stdout)?.slice(1)
  expect(row('records')).toEqual(['330 of 330', '330 of 330'])
  expect(row('requests')?.[1]).toBe('330')
  expect(Number(row('requests')?.[0])).toBeLessThan(330 / 20)
  expect(row('accuracy')?.[0]).toBe(row('accuracy')?.[1])
  for (const name of ['time', 'first result after', 'records per second', 'input tokens', 'cost']) {
    expect(row(name), name).toHaveLength(2)
  }
})

it.skipIf(!existsSync(banking77))(
  `banking77 does the notebook's job (skipped where there is no ../shared/banking77/train.csv)`,
  async () => {
    const { code, stdout } = await runNode([...script('banking77'), banking77, '100'], noKey)
    expect(code).toBe(0)
    expect(stdout).toContain('100 records, 77 labels')
    expect(stdout).toMatch(/^records +100 of 100 +100 of 100$/m)
  },
)

it('banking77 without a file says how it is used', async () => {
  const { code, stderr } = await runNode(script('banking77'), noKey)
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: /^Usage: / })
})

it.each([
  ['minimal', 'README.md'],
  ['files', 'docs/files.md'],
])('examples/%s.ts is the program of %s, whose test runs it', (name, page) => {
  const program = readFileSync(join(root, `examples/${name}.ts`), 'utf8').replace(/^(\/\/.*\n)+/, '')
  expect(readFileSync(join(root, page), 'utf8')).toContain(program)
})

it('no server at all ends the example with what is wrong', async () => {
  const gone = await startSimulator()
  await gone.close()
  const env = { ...noKey, OPENAI_API_KEY: 'x', OPENAI_BASE_URL: gone.baseURL }
  const { code, stdout, stderr } = await runNode(script('start'), env)
  expect(code).toBe(1)
  expect(stderr).toContain('The connection failed or broke off (ECONNREFUSED)')
  expect(stderr).not.toContain('    at ')
  // The example ends at the first failure.
  expect(stdout.match(/^! request_failed /gm)).toHaveLength(1)
})

it('a wrong key ends the example with what to do', async () => {
  const simulator = await startSimulator({ apiKey: 'right' })
  const env = { ...noKey, OPENAI_API_KEY: 'wrong', OPENAI_BASE_URL: simulator.baseURL }
  const { code, stderr } = await runNode(script('start'), env)
  await simulator.close()
  expect(code).toBe(1)
  expect(stderr).toContain('The API refused the key: check the key and its permissions (401 invalid_api_key)')
  expect(stderr).toMatch(/\d+ records are unsettled/)
  expect(stderr).not.toContain('    at ')
})
