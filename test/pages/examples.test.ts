import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root, runNode } from '../helpers/run.ts'

const noKey = { OPENAI_API_KEY: undefined, OPENAI_BASE_URL: undefined, OPENAI_MODEL: undefined }

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<'start' | 'banking77', string>
}

/** What `npm run banking77` gives to Node. */
function script(name: keyof typeof scripts): string[] {
  const [program, ...args] = scripts[name].split(' ')
  expect(program).toBe('node')
  return args
}

const banking77 = join(root, '../shared/banking77/train.csv')

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
