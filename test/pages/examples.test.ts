import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
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

it('banking77 --eval asks whether packs lose, of the simulator where no key is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'banking77-'))
  try {
    const rows = Array.from({ length: 20 }, (_, i) => `"Query ${i}","${i % 2 ? 'card' : 'fee'}"`)
    writeFileSync(join(folder, 'train.csv'), ['text,category', ...rows].join('\n'))
    const [condition = '', program = ''] = script('banking77')
    const args = ['train.csv', '20', '--eval', '--sizes', '1,5', '--quiet']
    const { code, stdout } = await runNode([condition, resolve(root, program), ...args], noKey, folder)
    expect(code).toBe(0)
    expect(stdout).toContain('records like the 20 of the sample')
    expect(readFileSync(join(folder, 'banking77-eval/labels.txt'), 'utf8')).toBe('card\nfee\n')
    expect(existsSync(join(folder, 'banking77-eval/report.html'))).toBe(true)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

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
