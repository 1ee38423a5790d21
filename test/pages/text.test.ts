import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { packStreamErrorCodes, recordErrorCodes, requestErrorCodes } from 'llm-pack-stream'
import { expect, test } from 'vitest'
import { root } from '../helpers/run.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** The files that `npm pack` puts into the package. */
const shipped = new Set(
  (
    JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'ignore'],
        encoding: 'utf8',
      }),
    ) as [{ files: { path: string }[] }]
  )[0].files.map(({ path }) => path),
)
const pages = [...shipped].filter((path) => path.endsWith('.md') && !path.startsWith('examples/'))

/** A page without its code blocks. */
const proseOf = (page: string) => read(page).replaceAll(/^```.*\n[^]*?^```$/gm, '')

/** The anchors of a page's headings, as GitHub makes them. */
const anchorsOf = (page: string) =>
  Array.from(proseOf(page).matchAll(/^#+ (.*)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

test('the package ships all pages of docs and of the top', () => {
  const written = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  const docs = written.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)
  const others = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md']
  expect(pages.toSorted()).toEqual([...docs, ...others].toSorted())
})

test.each(pages)('every link of %s leads to a file of the package, and to a heading', (page) => {
  const links = Array.from(proseOf(page).matchAll(/\]\(([^)\s]+)\)/g), ([, link = '']) => link)
  for (const link of links.filter((link) => !link.startsWith('https://'))) {
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? page : posix.join(dirname(page), path)
    expect(shipped, link).toContain(target)
    if (anchor !== undefined) expect(anchorsOf(target), link).toContain(anchor)
  }
})

test('every page of docs is found from README.md', () => {
  const found = new Set(['README.md'])
  for (const page of found) {
    for (const [, link = ''] of proseOf(page).matchAll(/\]\(([^)\s#]+\.md)/g)) {
      if (!link.startsWith('https://')) found.add(posix.join(dirname(page), link))
    }
  }
  expect(pages.filter((page) => !found.has(page))).toEqual([])
})

test.each(pages)('no table of %s is wider than 120 columns', (page) => {
  const wide = proseOf(page)
    .split('\n')
    .filter((line) => line.startsWith('|') && line.length > 120)
  expect(wide).toEqual([])
})

test('README.md is read in five minutes, and begins with the two commands', () => {
  const text = read('README.md')
  expect(text.split(/\s+/).length).toBeLessThanOrEqual(1_500)
  const blocks = Array.from(text.matchAll(/^```\w*\n([^]*?)^```$/gm), ([, block = '']) => block.trim())
  expect(blocks.slice(0, 2)).toEqual(['npm ci && npm start', 'npm cit'])
})

test.each(pages)('every command of npm and every file of the sources that %s names is there', (page) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const text = read(page)
  const all = (pattern: RegExp) => Array.from(text.matchAll(pattern), ([, name = '']) => name)
  expect(all(/\bnpm run ([\w:-]+)/g).filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
  const benchmarks = readdirSync(join(root, 'test/bench'))
  expect(all(/\bnpm run bench (\w+)/g).filter((name) => !benchmarks.includes(`${name}.ts`))).toEqual([])
  const rooms = readdirSync(join(root, 'src')).join('|')
  const files = [
    ...all(/`((?:test|examples|src)\/[\w./-]+)`/g),
    ...all(new RegExp(`\`((?:${rooms})/[\\w./-]+)\``, 'g')).map((name) => `src/${name}`),
  ]
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
})

test('docs/architecture.md has a row for each room, and the order that the test of the layout holds', () => {
  const page = read('docs/architecture.md')
  const all = (text: string, pattern: RegExp) => Array.from(text.matchAll(pattern), ([, name = '']) => name)
  expect(all(page, /^\| `([\w.-]+)` +\|/gm).toSorted()).toEqual(
    readdirSync(join(root, 'src')).filter((name) => name !== 'tsconfig.json'),
  )
  const [shown = ''] = all(page, /```text\n(cli\n[^]*?)\n```/g)
  const [held = ''] = all(read('test/architecture.test.ts'), /^const FLOORS = \[\n([^]*?)\n\]/gm)
  const floors = held.split('\n').map((line) => all(line, /'([\w.-]+)'/g).join(', '))
  expect(shown.split('\n')).toEqual(floors.toReversed())
})

/** What each page has to name. */
const named: Readonly<Record<string, readonly string[]>> = {
  'docs/options.md': propertiesOf('src/options/options.ts', 'PackStreamOptions'),
  'docs/kafka.md': [
    ...propertiesOf('src/kafka/options.ts', 'KafkaSourceOptions'),
    ...propertiesOf('src/kafka/run-kafka.ts', 'RunKafkaOptions'),
    ...flagsOf('kafka').filter((flag) => !flagsOf('run').includes(flag)),
  ],
  'docs/cli.md': [...flagsOf('run'), ...flagsOf('demo'), ...flagsOf('eval')],
  'docs/plan.md': flagsOf('plan').filter((flag) => !flagsOf('run').includes(flag)),
  'docs/progress.md': [...flagsOf('errors'), '--no-progress', '--quiet'],
  'docs/simulator.md': flagsOf('simulate'),
  'docs/outcomes.md': [...recordErrorCodes, ...requestErrorCodes, ...packStreamErrorCodes],
}

test.each(Object.entries(named))('%s names every option, flag or code of its subject', (page, names) => {
  expect(names.length).toBeGreaterThan(2)
  const text = read(page)
  expect(names.filter((name) => !new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(text))).toEqual([])
})

/** The names of an interface's properties. */
function propertiesOf(file: string, name: string): string[] {
  const [, body = ''] =
    new RegExp(`^export interface ${name}\\b[^{]*\\{\n([^]*?)^\\}`, 'm').exec(read(file)) ?? []
  return Array.from(body.matchAll(/^ {2}readonly (\w+)\??:/gm), ([, property = '']) => property)
}

/** The flags of a command, by its help. */
function flagsOf(command: string): string[] {
  const help = read(`test/cli/help/${command}-help.txt`)
  return Array.from(help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm), ([, flag = '']) => flag).filter(
    (flag) => flag !== '--help',
  )
}
