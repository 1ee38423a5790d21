import { expect, test } from 'vitest'
import type { AuditStats } from '../../../src/index.ts'
import { checkLines, checkParts } from '../../../src/cli/terminal/checks.ts'

const none = { records: 0, disagreement: undefined, noise: undefined, interval: { low: -0.5, high: 1 } }
const tokens = { input: 0, cached: 0, output: 0, reasoning: 0 }
const start: AuditStats = {
  ...{ ...none, packRecords: 25, margin: 0.02, dropped: 0, steps: [] },
  ...{ requests: 0, tokens, cost: undefined },
}
const found = { records: 40, disagreement: 0.05, noise: 0.01, interval: { low: -0.003, high: 0.3 } }

test('the parts of a progress line about an audit', () => {
  const partsOf = (audit: AuditStats) => checkParts({ audit })
  expect(partsOf(start)).toEqual([])
  expect(partsOf({ ...start, ...found })).toEqual(['audit +4.0%'])
  expect(partsOf({ ...start, ...found, disagreement: 0 })).toEqual(['audit −1.0%'])
  expect(partsOf({ ...start, packRecords: 9, steps: [{ ...found, packRecords: 25 }] })).toEqual([
    'audit: packs of 9',
  ])
})

test('the lines of a summary about an audit', () => {
  const audit = { ...start, ...found, requests: 83, cost: 0.5, dropped: 1 }
  expect(checkLines({ audit })).toEqual([
    ['votes', []],
    [
      'audit',
      [
        'packs of up to 25 change +4.0% of the answers (−0.3% to +30.0%, margin 2.0%): 40 records, noise 1.0%',
        '83 requests with a record alone, $0.500; 1 record not compared',
      ],
    ],
  ])
  expect(checkLines({ audit: start })[1]?.[1]).toEqual([
    'packs of up to 25: no record compared',
    '0 requests with a record alone',
  ])
})
