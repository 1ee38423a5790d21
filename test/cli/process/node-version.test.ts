import { expect, test } from 'vitest'
import { tooOldNode } from '../../../src/cli/process/node-version.ts'

test.each([
  ['20.20.2', true],
  ['22.11.0', true],
  ['22.12.0', false],
  ['24.0.0', false],
])('%s', (version, isTooOld) => {
  expect(tooOldNode(version)).toBe(
    isTooOld ? `llm-pack-stream needs Node 22.12 or newer, and this is ${version}` : undefined,
  )
})
