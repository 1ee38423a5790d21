import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import webpack from 'webpack'
import { root, runNode } from '../helpers/run.ts'

/** The optional peers of the package. An app that does not use them does not install them. */
const ABSENT = ['gpt-tokenizer', '@platformatic/kafka', 'openai']
const modules = join(root, 'node_modules')

const folder = mkdtempSync(join(tmpdir(), 'llm-pack-stream-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
const sources = join(folder, 'src')

// The package, as it imports others.
beforeAll(async () => {
  await build({
    entryPoints: ['index', 'exact-tokens'].map((entry) => join(root, `src/${entry}.ts`)),
    ...{ outdir: sources, bundle: true, packages: 'external', platform: 'node', format: 'esm' },
  })
})

/** An app that imports one entry of the package. */
function appOf(entry: string): string {
  const app = join(folder, `${entry}-app.js`)
  const from = `./${relative(folder, join(sources, `${entry}.js`))}`
  writeFileSync(app, `export * from ${JSON.stringify(from)}`)
  return app
}

const absent: Plugin = {
  name: 'absent',
  setup: (bundler) => {
    bundler.onResolve({ filter: new RegExp(`^(?:${ABSENT.join('|')})(?:/|$)`) }, ({ path }) => ({
      errors: [{ text: `Could not resolve ${path}` }],
    }))
  },
}

async function byEsbuild(app: string, outfile: string): Promise<void> {
  await build({
    ...{ entryPoints: [app], outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'silent' },
    ...{ nodePaths: [modules], plugins: [absent] },
  })
}

/** As Next.js builds a server: for Node.js, as an ES module. */
async function byWebpack(app: string, outfile: string): Promise<void> {
  const compiler = webpack({
    ...{ mode: 'none', target: 'node22', entry: app },
    output: { path: folder, filename: relative(folder, outfile), library: { type: 'module' }, module: true },
    experiments: { outputModule: true },
    resolve: {
      modules: [modules],
      alias: Object.fromEntries(ABSENT.map((name) => [name, join(folder, 'absent', name)])),
    },
  })
  const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
    compiler.run((error, result) => {
      if (error) reject(error)
      else resolve(result)
    })
  })
  const { errors = [] } = stats?.toJson({ all: false, errors: true }) ?? {}
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'))
}

describe.each([
  ['esbuild', byEsbuild],
  ['webpack', byWebpack],
])('%s, without the optional peers', (name, bundle) => {
  it('bundles an app that imports the main entry, and the bundle works', async () => {
    const outfile = join(folder, `${name}.mjs`)
    await bundle(appOf('index'), outfile)
    const program = `import { PackStream } from ${JSON.stringify(pathToFileURL(outfile).href)}
      try { new PackStream({ modle: 'm' }) } catch (error) { console.log(error.message) }`
    const { stdout } = await runNode(['--input-type=module', '--eval', program])
    expect(stdout).toBe('There is no option `modle`. Did you mean `model`?\n')
  })

  it('finds out that the exact counter needs its package', async () => {
    const app = appOf('exact-tokens')
    await expect(bundle(app, join(folder, `${name}-exact.mjs`))).rejects.toThrow('gpt-tokenizer')
  })
})
