import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root, runNode } from '../helpers/run.ts'

// `npm run lint` takes a minute of one core: it is for who changes something, and for CI.
test('the types are right', async () => {
  const { code, stdout, stderr } = await runNode([
    join(root, 'node_modules/typescript-7/bin/tsc'),
    '--noEmit',
  ])
  expect(stdout + stderr).toBe('')
  expect(code).toBe(0)
})
