import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './run.ts'

/**
 * Packs this package, and makes a project that has it as npm would install it.
 *
 * @param others Packages beside it and its dependencies. They are linked to this checkout's copies.
 */
export function packedProject(others: readonly string[]): string {
  const project = mkdtempSync(join(tmpdir(), 'llm-pack-stream-'))
  const modules = join(project, 'node_modules')
  execFileSync('npm', ['pack', '--pack-destination', project], { cwd: root, stdio: 'pipe' })
  const [tarball = ''] = readdirSync(project).filter((name) => name.endsWith('.tgz'))
  mkdirSync(join(modules, 'llm-pack-stream'), { recursive: true })
  const target = ['-C', join(modules, 'llm-pack-stream'), '--strip-components=1']
  execFileSync('tar', ['xzf', join(project, tarball), ...target])
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const ours = Object.keys(dependencies).map((name) => name.split('/')[0]!)
  for (const name of new Set([...others, ...ours])) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  mkdirSync(join(modules, '.bin'))
  symlinkSync('../llm-pack-stream/dist/cli/main.js', join(modules, '.bin/llm-pack-stream'))
  writeFileSync(join(project, 'package.json'), '{"type":"module"}')
  return project
}
