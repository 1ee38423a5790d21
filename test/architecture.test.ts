import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const SRC = fileURLToPath(new URL('../src', import.meta.url))

interface Import {
  /** A file of src, from there; or a package, as it is written. */
  readonly to: string
  /** Whether something is left of it once types are stripped. */
  readonly atRunTime: boolean
  /** `import()`: loaded when it is called, so it is no edge of the graph at start-up. */
  readonly isDynamic: boolean
}

interface SourceFile {
  readonly name: string
  readonly imports: Import[]
  /** Every identifier in it, types included. */
  readonly names: Set<string>
}

function readSource(name: string): SourceFile {
  const source = ts.createSourceFile(
    name,
    readFileSync(join(SRC, name), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  )
  const imports: Import[] = []
  const names = new Set<string>()
  const add = (specifier: ts.Node, atRunTime: boolean, isDynamic = false): void => {
    // A module of the user's own, which the command line names.
    if (isDynamic && !ts.isStringLiteral(specifier) && name === 'cli/result-schema.ts') return
    if (!ts.isStringLiteral(specifier)) throw new Error(`${name} imports what is no string`)
    const { text } = specifier
    const to = text.startsWith('.') ? normalize(join(dirname(name), text)) : text
    imports.push({ to, atRunTime, isDynamic })
  }
  const visit = (node: ts.Node): void => {
    // Reading a date is no clock.
    if (ts.isIdentifier(node) && node.parent.getText(source) !== 'Date.parse') names.add(node.text)
    if (ts.isImportDeclaration(node)) {
      const clause = node.importClause
      const named =
        clause?.namedBindings && ts.isNamedImports(clause.namedBindings) ? clause.namedBindings.elements : []
      const onlyTypes = named.length > 0 && clause?.name === undefined && named.every((one) => one.isTypeOnly)
      add(node.moduleSpecifier, clause?.phaseModifier !== ts.SyntaxKind.TypeKeyword && !onlyTypes)
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
      const named =
        node.exportClause && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : []
      const onlyTypes = named.length > 0 && named.every((one) => one.isTypeOnly)
      add(node.moduleSpecifier, !node.isTypeOnly && !onlyTypes)
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [specifier] = node.arguments
      if (specifier) add(specifier, true, true)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return { name, imports, names }
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.ts'))
  .sort()
  .map(readSource)
const names = files.map(({ name }) => name)
const engine = files.filter(({ name }) => !name.includes('/'))

/** The paths that come back to where they began, each once. */
function cycles(edges: (file: SourceFile) => readonly string[]): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const byName = new Map(files.map((file) => [file.name, file]))
  const walk = (name: string, path: readonly string[]): void => {
    const at = path.indexOf(name)
    if (at >= 0) {
      found.push([...path.slice(at), name].join(' > '))
      return
    }
    const file = byName.get(name)
    if (!file || done.has(name)) return
    for (const next of edges(file)) walk(next, [...path, name])
    done.add(name)
  }
  for (const { name } of files) walk(name, [])
  return found
}

/** Those that import something, as `who > what`. */
const importers = (among: readonly SourceFile[], isMeant: (one: Import) => boolean): string[] =>
  among.flatMap(({ name, imports }) => imports.filter(isMeant).map(({ to }) => `${name} > ${to}`))

const isPackage = (name: string) => (one: Import) => one.to === name || one.to.startsWith(`${name}/`)

describe('the import graph', () => {
  it('was read: it has the files that the design speaks of, and each import leads to one', () => {
    expect(names).toEqual(
      expect.arrayContaining(['index.ts', 'packer.ts', 'pack-stream.ts', 'simulator/index.ts']),
    )
    const local = files.flatMap(({ imports }) => imports).filter(({ to }) => to.endsWith('.ts'))
    expect(local.length).toBeGreaterThan(40)
    expect(local.filter(({ to }) => !names.includes(to))).toEqual([])
    // Imports of either kind were told apart.
    expect(local.some(({ atRunTime }) => atRunTime)).toBe(true)
    expect(local.some(({ atRunTime }) => !atRunTime)).toBe(true)
  })

  it('has no cycles at run time', () => {
    expect(
      cycles(({ imports }) => imports.filter((one) => one.atRunTime && !one.isDynamic).map(({ to }) => to)),
    ).toEqual([])
  })

  it('the library imports neither what is around it nor what leads to it', () => {
    expect(importers(engine, ({ to }) => /^(?:simulator|cli|readers|kafka|eval)\//.test(to))).toEqual([])
    expect(
      importers(
        engine.filter(({ name }) => name !== 'index.ts'),
        ({ to }) => to === 'index.ts',
      ),
    ).toEqual([])
  })

  it('the command line is built on what users can import, and on nothing else', () => {
    const cli = files.filter(({ name }) => name.startsWith('cli/'))
    expect(cli.length).toBeGreaterThan(20)
    const entries = ['index.ts', 'readers/index.ts', 'simulator/index.ts', 'kafka/index.ts']
    const isInside = ({ to }: Import) => !to.endsWith('.ts') || to.startsWith('cli/') || entries.includes(to)
    expect(importers(cli, (one) => !isInside(one))).toEqual([])
    for (const entry of entries) expect(importers(cli, ({ to }) => to === entry)).not.toEqual([])
  })

  it('the simulator imports nothing of the library', () => {
    const simulator = files.filter(({ name }) => name.startsWith('simulator/'))
    expect(simulator.length).toBeGreaterThan(0)
    expect(importers(simulator, ({ to }) => to.endsWith('.ts') && !to.startsWith('simulator/'))).toEqual([])
    expect(importers(simulator, isPackage('llm-pack-stream'))).toEqual([])
  })

  it('the readers take nothing of the library but types', () => {
    const readers = files.filter(({ name }) => name.startsWith('readers/'))
    expect(readers.length).toBeGreaterThan(0)
    const outside = (to: string) => to.endsWith('.ts') && !to.startsWith('readers/')
    expect(importers(readers, ({ to, atRunTime }) => outside(to) && atRunTime)).toEqual([])
    expect(new Set(readers.flatMap(({ imports }) => imports.map(({ to }) => to).filter(outside)))).toEqual(
      new Set(['index.ts']),
    )
  })

  it('Kafka takes nothing of the library but types, and helpers that know nothing of it', () => {
    const kafka = files.filter(({ name }) => name.startsWith('kafka/'))
    expect(kafka.length).toBeGreaterThan(0)
    const outside = ({ to }: Import) => to.endsWith('.ts') && !to.startsWith('kafka/')
    const helpers = ['backoff.ts', 'checks.ts', 'sleep.ts']
    const isHelper = ({ to }: Import) => helpers.includes(to)
    expect(importers(kafka, (one) => outside(one) && one.atRunTime && !isHelper(one))).toEqual([])
    const imported = new Set(kafka.flatMap(({ imports }) => imports.filter(outside).map(({ to }) => to)))
    expect([...imported].sort()).toEqual([...helpers, 'index.ts'].sort())
  })

  it('nobody needs a Kafka client who reads no Kafka: only its own command loads it, when it is called', () => {
    const isKafka = (one: Import) => one.to.startsWith('kafka/') || isPackage('@platformatic/kafka')(one)
    const others = files.filter(({ name }) => !/^(?:kafka|cli\/kafka)\//.test(name))
    expect(importers(others, isKafka)).toEqual([])
    const command = files.filter(({ name }) => name.startsWith('cli/kafka/'))
    expect(importers(command, (one) => isKafka(one) && one.to !== 'kafka/index.ts')).toEqual([])
    expect(importers(command, (one) => isKafka(one) && one.atRunTime && !one.isDynamic)).toEqual([])
    expect(importers(command, (one) => isKafka(one) && one.isDynamic)).toEqual([
      'cli/kafka/worker.ts > kafka/index.ts',
    ])
  })

  it('only these readers know of streams and files: the rest turns bytes into rows, and rows into lines', () => {
    const readers = files.filter(({ name }) => name.startsWith('readers/'))
    const knowing = readers.filter(({ imports }) =>
      imports.some(({ to }) => to.startsWith('node:') && !['node:buffer', 'node:path'].includes(to)),
    )
    expect(knowing.map(({ name }) => name)).toEqual(
      [
        'decompress',
        'file-bytes',
        'find-files',
        'late-failure',
        'read-bytes',
        'row-stream',
        'write-rows',
      ].map((name) => `readers/${name}.ts`),
    )
  })

  it('only two files know of streams', () => {
    const importing = importers(engine, ({ to }) => /^(?:node:)?stream\b/.test(to)).map(
      (line) => line.split(' ')[0],
    )
    expect(importing).toEqual(['object-transform.ts', 'pack-stream.ts'])
  })

  it('only two files of the library know the SDK, one for each API, and only its types', () => {
    const importing = engine.filter(({ imports }) => imports.some(isPackage('openai')))
    expect(importing.map(({ name }) => name)).toEqual(['chat.ts', 'responses.ts'])
    expect(importers(engine, (one) => isPackage('openai')(one) && one.atRunTime)).toEqual([])
  })

  it('only these files of the library need Node, and only for this', () => {
    expect(importers(engine, ({ to }) => to.startsWith('node:'))).toEqual([
      'diagnostics.ts > node:diagnostics_channel',
      'object-transform.ts > node:stream',
      'pack-stream.ts > node:stream',
      'result-cache.ts > node:crypto',
    ])
  })

  it('only one file knows gpt-tokenizer, and loads it when it is called', () => {
    const all = engine.flatMap(({ name, imports }) =>
      imports.filter(isPackage('gpt-tokenizer')).map((one) => ({ name, ...one })),
    )
    expect(all.length).toBeGreaterThan(0)
    expect(all.filter(({ name, isDynamic }) => name !== 'exact-tokens.ts' || !isDynamic)).toEqual([])
  })
})

describe('the pure engine', () => {
  const PURE = [
    ...['errors', 'outcome', 'entry', 'answer', 'tokens', 'prompt', 'schema', 'strict-schema', 'elements'],
    ...['packer', 'partitions', 'pack-queue', 'retry-queue', 'reuse', 'outbox', 'to-entry'],
    ...[
      'settlement',
      'request-end',
      'recovery',
      'scrub',
      'output-budget',
      'learning',
      'stats',
      'ledger',
      'spending',
    ],
    ...[
      'rate-limiter',
      'rate-headers',
      'rate-buckets',
      'congestion',
      'backoff',
      'checks',
      'timer-limit',
      'chat',
      'responses',
    ],
  ]

  it.each(PURE)('%s.ts knows no clock, no timer, no network and no stream', (module) => {
    const file = files.find(({ name }) => name === `${module}.ts`)
    if (!file) throw new Error(`There is no ${module}.ts`)
    const impure = [
      ...[
        'setTimeout',
        'setInterval',
        'setImmediate',
        'clearTimeout',
        'queueMicrotask',
        'Date',
        'performance',
        'process',
      ],
      ...['fetch', 'AbortController', 'AbortSignal', 'console', 'require'],
    ]
    expect(impure.filter((name) => file.names.has(name))).toEqual([])
    expect(importers([file], ({ to }) => to.startsWith('node:'))).toEqual([])
  })

  it.each(PURE)('%s.ts imports, at run time, only what is pure too', (module) => {
    const file = files.find(({ name }) => name === `${module}.ts`)
    const allowed = [...PURE.map((name) => `${name}.ts`), '@streamparser/json', 'zod/v4/core']
    expect(importers(file ? [file] : [], ({ to, atRunTime }) => atRunTime && !allowed.includes(to))).toEqual(
      [],
    )
  })

  it('only the alarm and `sleep` wait', () => {
    const timers = ['setTimeout', 'setInterval', 'setImmediate']
    const waiting = engine.filter((file) => timers.some((name) => file.names.has(name)))
    expect(waiting.map(({ name }) => name)).toEqual(['alarm.ts', 'sleep.ts'])
  })
})
