import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { frame } from '../../src/request/prompt.ts'
import { TokenEstimator } from '../../src/learning/token-estimator.ts'

/** Tokens of the tags around one record. */
const TAGS = 8
const RECORDS = 25

/**
 * Answers to packs of these sizes, from a server whose prompts have a hidden fixed part and a fixed
 * number of tokens per byte.
 */
function taught(fixed: number, slope: number, sizes: readonly number[]): TokenEstimator {
  const estimator = new TokenEstimator(4_000)
  for (const bytes of sizes)
    estimator.observe(RECORDS, bytes, Math.round(fixed + RECORDS * TAGS + slope * bytes))
  return estimator
}

/**
 * The first guess for the fixed part is 1,000. The true value may be a third of it, or more than
 * twice as much.
 */
const fixedParts = fc.integer({ min: 300, max: 2_500 })
const slopes = fc.double({ min: 0.1, max: 1.5, noNaN: true })
const within = (share: number, actual: number, expected: number): void => {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(Math.max(2, share * expected))
}

describe('before any answer', () => {
  it('a token is four bytes, rounded up', () => {
    const estimator = new TokenEstimator(0)
    expect(estimator.text(0)).toBe(0)
    expect(estimator.text(1)).toBe(1)
    expect(estimator.text(401)).toBe(101)
  })

  it('a record includes its tags', () => {
    const estimator = new TokenEstimator(0)
    expect(estimator.record('')).toBe(TAGS)
    expect(estimator.record('a'.repeat(400))).toBe(100 + TAGS)
    expect(estimator.record('漢'.repeat(400))).toBe(300 + TAGS)
    expect(countTokens(frame('', RECORDS))).toBe(TAGS)
  })

  it('a prompt includes its fixed part', () => {
    expect(new TokenEstimator(800).prompt(2, 400)).toBe(300 + 2 * TAGS)
  })
})

describe('from answers', () => {
  it('whose packs vary by 10% in size, it learns the size of a token within 10%', () => {
    const sizes = fc.tuple(
      fc.integer({ min: 2_000, max: 20_000 }),
      fc.array(fc.noBias(fc.integer({ min: -1_000, max: 1_000 })), { minLength: 50, maxLength: 50 }),
    )
    fc.assert(
      fc.property(fixedParts, slopes, sizes, (fixed, slope, [size, spread]) => {
        const packs = spread.map((share) => Math.round(size * (1 + share / 10_000)))
        // Equal sizes do not show the size of a token.
        fc.pre(spread.filter((share) => Math.abs(share) > 400).length > 25)
        const estimator = taught(fixed, slope, packs)
        within(0.1, estimator.text(size), slope * size)
        within(0.05, estimator.prompt(RECORDS, size), fixed + RECORDS * TAGS + slope * size)
      }),
    )
  })

  it('whose packs vary widely, it learns the size of a token within 10%', () => {
    const sizes = fc.array(fc.integer({ min: 500, max: 8_000 }), { minLength: 50, maxLength: 50 })
    fc.assert(
      fc.property(fixedParts, slopes, sizes, (fixed, slope, packs) => {
        fc.pre(Math.max(...packs) > 3 * Math.min(...packs) && new Set(packs).size > 25)
        within(0.1, taught(fixed, slope, packs).text(4_000), slope * 4_000)
      }),
    )
  })

  it('whose packs all have one size, it learns the tokens of such a prompt, and keeps a realistic ratio', () => {
    fc.assert(
      fc.property(fixedParts, slopes, fc.integer({ min: 500, max: 20_000 }), (fixed, slope, size) => {
        const estimator = taught(
          fixed,
          slope,
          Array.from({ length: 50 }, () => size),
        )
        within(0.05, estimator.prompt(RECORDS, size), fixed + RECORDS * TAGS + slope * size)
        expect(estimator.text(16_000)).toBeGreaterThanOrEqual(1_000)
        expect(estimator.text(16_000)).toBeLessThanOrEqual(32_000)
      }),
    )
  })

  it.each([
    ['of no tokens at all', 0],
    ['of absurdly many', 1e12],
    ['below nothing', -1e6],
  ])('%s, it refuses a ratio that no tokenizer has', (_name, tokens) => {
    const estimator = new TokenEstimator(800)
    for (let i = 0; i < 50; i++) estimator.observe(RECORDS, 2_000 + i * 10, tokens)
    expect(estimator.text(16_000)).toBeGreaterThanOrEqual(1_000)
    expect(estimator.text(16_000)).toBeLessThanOrEqual(32_000)
    expect(estimator.prompt(RECORDS, 2_000)).toBeGreaterThan(0)
  })

  // A gateway that leaves out `prompt_tokens` makes it undefined, and a sum with undefined stays
  // NaN.
  it.each([NaN, Infinity, undefined as unknown as number])('that count %s tokens are ignored', (tokens) => {
    const estimator = new TokenEstimator(800)
    estimator.observe(RECORDS, 2_000, tokens)
    expect(estimator.text(400)).toBe(100)
    expect(estimator.prompt(0, 400)).toBe(300)
  })

  it('of the same server after a change of model, it follows', () => {
    const sizes = Array.from({ length: 300 }, (_, i) => 2_000 + ((i * 37) % 21) * 100)
    const estimator = taught(500, 0.2, sizes)
    for (const bytes of sizes)
      estimator.observe(RECORDS, bytes, Math.round(300 + RECORDS * TAGS + 0.4 * bytes))
    within(0.1, estimator.text(2_000), 800)
  })
})

const TRAIN = new URL('../../../shared/banking77/train.csv', import.meta.url)
const absent = !existsSync(TRAIN)

describe.skipIf(absent)(
  `on the queries of Banking77${absent ? ' (skipped: no ../shared/banking77/train.csv)' : ''}`,
  () => {
    const texts = absent
      ? []
      : parse<{ text: string }>(readFileSync(TRAIN), { columns: true }).map(({ text }) => text)
    const truth = texts.map((text) => countTokens(frame(text, 25)))
    const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

    function errors(estimator: TokenEstimator): { perRecord: number; total: number } {
      const estimates = texts.map((text) => estimator.record(text))
      const perRecord =
        sum(estimates.map((estimate, i) => Math.abs(estimate / (truth[i] ?? NaN) - 1))) / texts.length
      return { perRecord, total: sum(estimates) / sum(truth) - 1 }
    }
    const percent = (share: number): string => `${(share * 100).toFixed(1)}%`

    it.each([
      ['before any answer', 0, 0.1],
      ['after 100 packs of 25', 100, 0.05],
    ])('%s, a record is within an eighth on average, and the total is closer', (name, packs, bias) => {
      const estimator = new TokenEstimator(3_000)
      for (let i = 0; i < packs; i++) {
        const bytes = Buffer.byteLength(texts.slice(i * 25, i * 25 + 25).join(''))
        estimator.observe(25, bytes, 612 + sum(truth.slice(i * 25, i * 25 + 25)))
      }
      const { perRecord, total } = errors(estimator)
      console.log(
        `Banking77, ${texts.length} records, ${name}: mean error per record ${percent(perRecord)}, total ${percent(total)}`,
      )
      expect(perRecord).toBeLessThan(0.125)
      expect(Math.abs(total)).toBeLessThan(bias)
    })
  },
)
