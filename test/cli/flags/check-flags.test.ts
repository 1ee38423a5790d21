import { expect, test } from 'vitest'
import { parseShare } from '../../../src/cli/flags/check-flags.ts'

test.each([
  ['2%', 0.02],
  ['0.02', 0.02],
  ['100%', 1],
  [' 1.5 % ', 0.015],
  ['0', 0],
])('a share: %j', (text, share) => {
  expect(parseShare('--audit', text)).toBeCloseTo(share, 12)
})

test.each(['', '%', 'some', '2%%', '%2', '1 2'])('no share: %j', (text) => {
  expect(() => parseShare('--audit', text)).toThrow(
    `--audit: expected a share, such as 2% or 0.02, got ${JSON.stringify(text)}`,
  )
})
