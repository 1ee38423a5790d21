/*
 * Puts Observable Plot and linkedom into the one compiled file that uses them, so that users install
 * neither, and writes the licences of all packages in it beside it.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'

const file = 'dist/cli/page/charts.js'
const { metafile } = await build({
  ...{ entryPoints: [file], outfile: file, allowOverwrite: true, bundle: true, minify: true },
  ...{ platform: 'node', format: 'esm', target: 'node22.12', metafile: true, legalComments: 'none' },
  banner: { js: '/* Licences: charts.LICENSES.txt */' },
})
rmSync(`${file}.map`)

const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs))
const folders = inputs
  .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
  .flatMap(([path]) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [])
const texts = [...new Set(folders)].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as Record<
    'name' | 'version' | 'license',
    string
  >
  const licence = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  if (licence === undefined) throw new Error(`${folder} has no licence`)
  return `${name} ${version} (${license})\n\n${readFileSync(`${folder}/${licence}`, 'utf8').trim()}\n`
})
writeFileSync('dist/cli/page/charts.LICENSES.txt', texts.join(`\n${'-'.repeat(80)}\n\n`))
