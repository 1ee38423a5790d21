import fc from 'fast-check'
import stringWidth from 'string-width'
import { expect, test } from 'vitest'
import type { Stats } from 'llm-pack-stream'
import { accountOf } from '../../../src/cli/terminal/account.ts'
import { readPrice } from '../../../src/cli/task/price.ts'
import { aligned } from '../../../src/cli/terminal/aligned.ts'

const listed = readPrice({}, 'gpt-4o-mini', {})
const stated = readPrice({ priceIn: 1, priceOut: 1 }, 'm', {})
const none = { rejected: [], retried: [], waited: [] }
const stats = (change: Partial<Stats> = {}): Stats => ({
  records: { read: 400, fulfilled: 398, rejected: 2, unsettled: 0 },
  ...{ packs: 16, retries: 8, requests: 24, rateLimited: 0, inFlight: 0, waiting: undefined, cost: 0.0123 },
  elements: { invalid: 0, repeated: 0, unknown: 0, missing: 0 },
  answers: { wrapped: 12, strayIds: 1 },
  tokens: {
    ...{ input: 12_345, cached: 1_000, output: 2_345, reasoning: 0, estimated: 0, used: 14_178 },
    wasted: { failure: 512 } as never,
  },
  cache: { hits: 1, shared: 2, failures: 0 },
  ...change,
})

test('an account says what was sent, and why some of it was sent again', () => {
  const reasons = {
    rejected: [
      { code: 'refused', reason: 'The model refused to answer for this record alone', count: 1_200 },
      { code: 'invalid_result', reason: 'The result does not match the schema at team', count: 1 },
    ],
    retried: ['a'.repeat(70), 'b', 'c', 'd', 'e', 'f', 'g'].map((reason, i) => ({ reason, count: 9 - i })),
    waited: [
      { for: 'rate_limit' as const, reason: 'The rate limit was reached (429)', count: 3, seconds: 75 },
    ],
  }
  expect(aligned(accountOf(stats(), reasons, listed))).toBe(`requests  24, 8 of them with records asked again
tokens    12,345 in (1,000 cached), 2,345 out, 512 wasted
cost      $0.0123
          list price of gpt-4o-mini (OpenAI, as of 2026-11-10)
reused    3 results of the same text
rejected  1,200 refused: The model refused to answer for this record alone
          1 invalid_result: The result does not match the schema at team
retried   9 ${'a'.repeat(67)}…
          8 b
          7 c
          6 d
          5 e
          and 2 more reasons
waited    75 s: the rate limit was reached (429)
answers   12 in another form than asked, and read
          1 with an id that was not asked`)
})

test('an account of a run without problems has no more lines than it needs', () => {
  const good = stats({
    ...{ retries: 0, requests: 16, cost: undefined, cache: { hits: 0, shared: 0, failures: 0 } },
    ...{ answers: { wrapped: 0, strayIds: 0 } },
    tokens: { ...stats().tokens, wasted: {} as never },
  })
  expect(aligned(accountOf(good, none, stated))).toBe(`requests  16
tokens    12,345 in (1,000 cached), 2,345 out`)
})

test('lines fit into 80 columns, and lose no word', () => {
  const word = fc.stringMatching(/^[a-z]{1,30}$/)
  const text = fc.array(word, { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,8}$/), text), { minLength: 1 }), (lines) => {
      const shown = aligned(lines.map(([label, words]) => [label, words.join(' ')]))
      for (const line of shown.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(80)
      expect(shown.split(/\s+/)).toEqual(lines.flatMap(([label, words]) => [label, ...words]))
    }),
  )
})
