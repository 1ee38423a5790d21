import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root, runNode } from '../helpers/run.ts'

// Side by side, and beside the tests that wait for others.
test.concurrent.each([
  ['the types are right', 'typescript/bin/tsc', ['--noEmit']],
  ['lint finds nothing', 'eslint/bin/eslint.js', ['.']],
  ['the formatting is right', 'prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']],
])('%s', async (_, program, args) => {
  const { code, stdout, stderr } = await runNode([join(root, 'node_modules', program), ...args])
  expect(stdout + stderr).toBe('')
  expect(code).toBe(0)
})
