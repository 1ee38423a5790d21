import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const SRC = fileURLToPath(new URL('../src', import.meta.url))

interface Import {
  /** A file of src, as a path from src; or a package, as it is written. */
  readonly to: string
  /** Whether the import remains after types are stripped. */
  readonly atRunTime: boolean
  /** `import()` loads a module when it is called, so it is not part of the graph at start-up. */
  readonly isDynamic: boolean
}

interface SourceFile {
  readonly name: string
  readonly imports: Import[]
  /** Every identifier in the file, including types. */
  readonly names: Set<string>
  /** Every string in the file. */
  readonly strings: Set<string>
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
  const strings = new Set<string>()
  const add = (specifier: ts.Node, atRunTime: boolean, isDynamic = false): void => {
    // A module of the user, which the command line names.
    if (isDynamic && !ts.isStringLiteral(specifier) && name === 'cli/task/user-module.ts') return
    if (!ts.isStringLiteral(specifier)) throw new Error(`${name} imports what is no string`)
    const { text } = specifier
    const to = text.startsWith('.') ? normalize(join(dirname(name), text)) : text
    imports.push({ to, atRunTime, isDynamic })
  }
  const visit = (node: ts.Node): void => {
    // Parsing a date does not read the clock.
    if (ts.isIdentifier(node) && node.parent.getText(source) !== 'Date.parse') names.add(node.text)
    if (ts.isStringLiteralLike(node)) strings.add(node.text)
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
  return { name, imports, names, strings }
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.ts'))
  .sort()
  .map(readSource)
const names = files.map(({ name }) => name)

/**
 * The rooms of `src`, floor by floor. A file imports only from its own room and from lower floors.
 */
const FLOORS = [
  ['base', 'simulator', 'statistics'],
  ['record'],
  ['packing', 'request', 'limits', 'cache'],
  ['api'],
  ['answer'],
  ['learning', 'accounts'],
  ['engine', 'panel', 'audit'],
  ['options'],
  ['stream'],
  ['index.ts', 'exact-tokens.ts'],
  ['files', 'kafka', 'ai-sdk', 'eval', 'sqlite-cache.ts'],
  ['prices'],
  ['cli'],
] as const
const COMMANDS = ['run', 'plan', 'kafka', 'simulate', 'demo', 'report', 'eval']

const roomOf = (name: string): string => name.split('/')[0] ?? ''
const floorOf = (name: string): number =>
  FLOORS.findIndex((rooms) => (rooms as readonly string[]).includes(roomOf(name)))
const inRooms = (...rooms: readonly string[]): SourceFile[] =>
  files.filter(({ name }) => rooms.includes(roomOf(name)))
/** The library: all that a stream needs. */
const library = files.filter(
  ({ name }) =>
    !['files', 'kafka', 'ai-sdk', 'eval', 'prices', 'sqlite-cache.ts', 'cli', 'simulator'].includes(
      roomOf(name),
    ),
)
/** The engine and the rooms below it, which are told the time. */
const pure = inRooms(
  ...[
    'statistics',
    'record',
    'packing',
    'request',
    'limits',
    'api',
    'answer',
    'learning',
    'accounts',
    'engine',
    'panel',
    'audit',
  ],
)

/** Returns the paths that come back to their start, each once. */
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

/** Returns the files that import something, as `file > import`. */
const importers = (among: readonly SourceFile[], isMeant: (one: Import) => boolean): string[] =>
  among.flatMap(({ name, imports }) => imports.filter(isMeant).map(({ to }) => `${name} > ${to}`))

const STDLIB = '@stdlib/dist-stats-base-dists-flat'

const isPackage = (name: string) => (one: Import) => one.to === name || one.to.startsWith(`${name}/`)

const commandOf = (name: string): string | undefined => {
  const [room, command = ''] = name.split('/')
  return room === 'cli' && COMMANDS.includes(command) ? command : undefined
}

describe('the import graph', () => {
  it('was read: each room has files, each file has a room, and each import leads to a file', () => {
    for (const room of FLOORS.flat()) expect(names.filter((name) => roomOf(name) === room)).not.toEqual([])
    expect(names.filter((name) => floorOf(name) < 0)).toEqual([])
    const local = files.flatMap(({ imports }) => imports).filter(({ to }) => to.endsWith('.ts'))
    expect(local.length).toBeGreaterThan(400)
    expect(local.filter(({ to }) => !names.includes(to))).toEqual([])
    // The test tells imports of either kind apart.
    expect(local.some(({ atRunTime }) => atRunTime)).toBe(true)
    expect(local.some(({ atRunTime }) => !atRunTime)).toBe(true)
  })

  it('has no circle, types and `import()` included', () => {
    expect(cycles(({ imports }) => imports.map(({ to }) => to))).toEqual([])
  })

  it('runs one way: from a room to the rooms on lower floors', () => {
    const against = files.flatMap(({ name, imports }) =>
      imports
        .filter(({ to }) => to.endsWith('.ts') && roomOf(to) !== roomOf(name))
        .filter(({ to }) => floorOf(to) >= floorOf(name) || floorOf(to) < 0)
        .map(({ to }) => `${name} > ${to}`),
    )
    expect(against).toEqual([])
  })

  it('no command imports another', () => {
    const commands = files.filter(({ name }) => !['cli/main.ts', 'cli/run-cli.ts'].includes(name))
    const lines = commands.flatMap(({ name, imports }) =>
      imports
        .filter(({ to }) => commandOf(to) !== undefined && commandOf(to) !== commandOf(name))
        .map(({ to }) => `${name} > ${to}`),
    )
    expect(lines).toEqual([])
  })

  it('the command line imports another room by its index only', () => {
    const isPast = ({ to }: Import) =>
      to.endsWith('.ts') && roomOf(to) !== 'cli' && to.includes('/') && !to.endsWith('/index.ts')
    expect(importers(inRooms('cli'), isPast)).toEqual([])
    for (const entry of ['index.ts', 'files/index.ts', 'simulator/index.ts', 'kafka/index.ts']) {
      expect(importers(inRooms('cli'), ({ to }) => to === entry)).not.toEqual([])
    }
  })

  it('the simulator imports nothing of the library', () => {
    const outside = ({ to }: Import) => to.endsWith('.ts') && roomOf(to) !== 'simulator'
    expect(importers(inRooms('simulator'), outside)).toEqual([])
    expect(importers(inRooms('simulator'), isPackage('llm-pack-stream'))).toEqual([])
  })

  it('the statistics import only the distributions of stdlib, in one file', () => {
    const outside = ({ to }: Import) => !to.startsWith('statistics/')
    expect(importers(inRooms('statistics'), outside)).toEqual([`statistics/distributions.ts > ${STDLIB}`])
  })

  it('the library starts without stdlib, which takes time to load', () => {
    const loaded = new Set(['index.ts'])
    for (const name of loaded) {
      const imports = files.find((file) => file.name === name)?.imports ?? []
      for (const { to } of imports.filter((one) => one.atRunTime && !one.isDynamic)) loaded.add(to)
    }
    expect(loaded.size).toBeGreaterThan(30)
    expect(loaded).not.toContain(STDLIB)
  })

  it('the file formats and Kafka take helpers and types of the library, and no code that makes requests', () => {
    const isCode = ({ to, atRunTime }: Import) =>
      to.endsWith('.ts') && atRunTime && !['base', 'files', 'kafka'].includes(roomOf(to))
    expect(importers(inRooms('files', 'kafka'), isCode)).toEqual([])
    const rooms = inRooms('files', 'kafka').flatMap(({ imports }) => imports.map(({ to }) => to))
    const outside = rooms.filter((to) => to.endsWith('.ts') && !['files', 'kafka'].includes(roomOf(to)))
    expect(outside.filter((to) => to !== 'index.ts' && roomOf(to) !== 'base')).toEqual([])
  })

  it('only its own command loads the Kafka client, when it is called', () => {
    const isKafka = (one: Import) => roomOf(one.to) === 'kafka' || isPackage('@platformatic/kafka')(one)
    const others = files.filter(({ name }) => !/^(?:kafka|cli\/kafka)\//.test(name))
    expect(importers(others, isKafka)).toEqual([])
    const command = files.filter(({ name }) => name.startsWith('cli/kafka/'))
    expect(importers(command, (one) => isKafka(one) && one.to !== 'kafka/index.ts')).toEqual([])
    expect(importers(command, (one) => isKafka(one) && one.atRunTime && !one.isDynamic)).toEqual([])
    expect(importers(command, (one) => isKafka(one) && one.isDynamic)).toHaveLength(1)
  })
})

describe('each kind of knowledge has a place', () => {
  it('streams: the room `stream`', () => {
    const knowing = importers(library, isPackage('node:stream'))
    expect(new Set(knowing.map((line) => line.split('/')[0]))).toEqual(new Set(['stream']))
  })

  it('an SDK: no place, not even for its types, because a user may have another SDK', () => {
    expect(importers([...library, ...inRooms('cli')], isPackage('openai'))).toEqual([])
  })

  it("the client's fields: the room `api`, and the client of the command line", () => {
    const fields = ['completions', 'deploymentName', 'defaultHeaders']
    const knowing = [...library, ...inRooms('cli')].filter(({ names: known }) =>
      fields.some((field) => known.has(field)),
    )
    const names = knowing.map(({ name }) => name)
    const ofApi = ['api/chat.ts', 'api/client.ts', 'api/clients.ts']
    expect(names).toEqual([...ofApi, 'cli/task/http-client.ts'])
  })

  it('Node: these modules, and only in these rooms', () => {
    const node = importers(library, ({ to }) => to.startsWith('node:'))
    expect(node.filter((line) => roomOf(line) !== 'stream')).toEqual([
      'accounts/diagnostics.ts > node:diagnostics_channel',
      'base/import-sqlite.ts > node:sqlite',
      'cache/identity.ts > node:crypto',
      'options/audit.ts > node:util',
    ])
  })

  it('gpt-tokenizer: one file, which loads it when it is called', () => {
    const all = library.flatMap(({ name, imports }) =>
      imports.filter(isPackage('gpt-tokenizer')).map((one) => ({ name, ...one })),
    )
    expect(all.length).toBeGreaterThan(0)
    expect(all.filter(({ name, isDynamic }) => name !== 'options/exact-tokens.ts' || !isDynamic)).toEqual([])
  })

  const PURE = ['node:buffer', 'node:path', 'node:string_decoder']

  it('bytes, pipes and files: these readers and writers; the others turn bytes into rows and rows into lines', () => {
    const knowing = inRooms('files').filter(({ imports }) =>
      imports.some(({ to }) => to.startsWith('node:') && !PURE.includes(to)),
    )
    expect(knowing.map(({ name }) => name)).toEqual(
      [
        ...['find-files', 'late-failure', 'read/batches', 'read/byte-readers', 'read/decompress'],
        ...['read/file-bytes', 'read/parquet', 'read/read-options', 'read/row-stream', 'read/sqlite'],
        ...['read/table', 'read/xlsx-zip', 'read/xlsx'],
        ...['write/parquet-file', 'write/row-writers'],
      ].map((name) => `files/${name}.ts`),
    )
  })

  it('the columns that an output has of its own: one file writes them and reads them back', () => {
    const columns = ['_index', '_error', '_more', '_raw', '_raw_base64']
    const knowing = files.filter(({ names: known, strings }) =>
      columns.some((column) => known.has(column) || strings.has(column)),
    )
    expect(knowing.map(({ name }) => name)).toEqual(['files/own-columns.ts'])
  })

  it('timers: the alarm and `sleep`', () => {
    const timers = ['setTimeout', 'setInterval', 'setImmediate']
    const waiting = library.filter((file) => timers.some((name) => file.names.has(name)))
    expect(waiting.map(({ name }) => name)).toEqual(['base/alarm.ts', 'base/sleep.ts'])
  })
})

describe('the engine and the rooms below it', () => {
  const IMPURE = [
    ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'queueMicrotask', 'Date', 'performance'],
    ...['process', 'fetch', 'AbortController', 'console', 'require', 'Promise'],
  ]
  /** The promises here are the client's own, or of the response. */
  const EXCEPT: readonly string[] = ['api/body.ts', 'api/client.ts']

  it('know no promise, clock, timer or network', () => {
    const found = pure
      .filter(({ name }) => !EXCEPT.includes(name))
      .flatMap(({ name, names: known }) =>
        IMPURE.filter((word) => known.has(word)).map((word) => `${name}: ${word}`),
      )
    expect(found).toEqual([])
    expect(pure.length).toBeGreaterThan(30)
  })

  it('import code of pure files only', () => {
    const impure = ['base/alarm.ts', 'base/sleep.ts', 'cache/result-cache.ts']
    const allowed = ({ to }: Import) =>
      (to.endsWith('.ts') && !impure.includes(to)) ||
      ['@streamparser/json', 'tinyqueue', 'zod/v4/core', 'node:diagnostics_channel', STDLIB].includes(to)
    const among = pure.filter(({ name }) => !EXCEPT.includes(name))
    expect(importers(among, (one) => one.atRunTime && !allowed(one))).toEqual([])
  })
})
