import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { root } from '../helpers/run.ts'

const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  engines: { node: string }
}
const [lowest = ''] = /\d+\.\d+/.exec(engines.node) ?? []
/** What needs nothing of a newer Node to be tested. */
const folders = [
  'base',
  'record',
  'packing',
  'request',
  'limits',
  'answer',
  'learning',
  'accounts',
  'engine',
  'options',
]

test.runIf(process.env['CI'])(
  `the library works on Node ${lowest}, the lowest that is promised (skipped outside of CI)`,
  async () => {
    const node = ['--yes', '--package', `node@${lowest}.0`, '--', 'node']
    const vitest = [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--config',
      'test/vitest.config.ts',
      '--project',
      'unit',
    ]
    const { stdout } = await promisify(execFile)(
      'npx',
      [...node, ...vitest, ...folders.map((folder) => `test/${folder}/`)],
      { cwd: root },
    )
    expect(stdout).toMatch(/Tests .*passed/)
  },
)
