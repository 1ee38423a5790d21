import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root, runNode } from '../helpers/run.ts'

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

test('every program of the pages in TypeScript has right types', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | Record<string, string>>
  }
  const paths = Object.fromEntries(
    Object.entries(exports).flatMap(([entry, files]) =>
      typeof files === 'string'
        ? []
        : [[entry.replace('.', 'llm-pack-stream'), [join(root, files['llm-pack-stream-source'] ?? '')]]],
    ),
  )
  // The types of a package that has none.
  const declarations = join(root, 'src/statistics/stdlib.d.ts')
  // What a page declares it need not use.
  const compilerOptions = {
    noUnusedLocals: false,
    paths,
    rootDir: '/',
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions,
      include: ['*.mts', declarations],
    }),
  )
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const { 1: program = '', index } of text.matchAll(/^```ts\n([^]*?)^```$/gm)) {
      const line = text.slice(0, index).split('\n').length
      // The name says where it stands.
      writeFileSync(join(folder, `${page.replaceAll('/', '-')}-${line}.mts`), `${program}\nexport {}\n`)
    }
  }
  const tsc = join(root, 'node_modules/typescript-7/bin/tsc')
  const { stdout } = await runNode([tsc, '--noEmit', '--project', folder], {}, folder)
  rmSync(folder, { recursive: true })
  expect(stdout).toBe('')
})
