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

/** In CI, runs the unit tests of rooms once more, on the lowest Node.js that is promised. */
export function testOnLowestNode(rooms: readonly string[]): void {
  const command =
    `npx --yes --package node@${lowest}.0 -- node node_modules/vitest/vitest.mjs run --config test/vitest.config.ts ` +
    `--project unit ${rooms.map((room) => `test/${room}/`).join(' ')}`
  test.runIf(process.env['CI'])(`${rooms.join(', ')} work on Node ${lowest}: in CI`, async () => {
    const [npx = '', ...args] = command.split(' ')
    const { stdout } = await promisify(execFile)(npx, args, { cwd: root })
    expect(stdout).toMatch(/Tests .*passed/)
  })
}
