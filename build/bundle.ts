/*
 * Puts packages into the one compiled file that uses them, so that users install none of them, and
 * writes their licences beside it.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'

/** Observable Plot and linkedom, and the distributions of stdlib. */
const FILES = ['dist/cli/page/charts', 'dist/statistics/distributions']

for (const file of FILES) {
  const licences = `${file}.LICENSES.txt`
  const { metafile } = await build({
    ...{ entryPoints: [`${file}.js`], outfile: `${file}.js`, allowOverwrite: true },
    ...{ bundle: true, minify: true, platform: 'node', format: 'esm', target: 'node22.12' },
    ...{ metafile: true, legalComments: 'none' },
    banner: { js: `/* Licences: ${licences.replace(/.*\//, '')} */` },
  })
  rmSync(`${file}.js.map`)
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs))
  const folders = inputs
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .flatMap(([path]) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [])
  const texts = [...new Set(folders)].sort().map(licenceOf)
  writeFileSync(licences, texts.join(`\n${'-'.repeat(80)}\n\n`))
}

function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as Record<
    'name' | 'version' | 'license',
    string
  >
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  if (file === undefined) throw new Error(`${folder} has no licence`)
  return `${name} ${version} (${license})\n\n${readFileSync(`${folder}/${file}`, 'utf8').trim()}\n`
}
