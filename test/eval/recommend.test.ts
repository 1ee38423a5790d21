import { describe, expect, it } from 'vitest'
import { recommend } from '../../src/eval/recommend.ts'
import type { ArmReport, Estimate, Findings, Loss } from '../../src/eval/report.ts'

type Row = readonly [size: number, mean: number, low: number, high: number, more?: number]

const estimate = (mean: number, low = mean, high = mean): Estimate => ({ mean, low, high, records: 3_000 })

function lossOf(mean: number, low: number, high: number, more: number | undefined): Loss {
  const verdict = high < 0.02 ? 'within' : low > 0.02 ? 'beyond' : 'unclear'
  return {
    ...estimate(mean, low, high),
    ...{ always: { low: -1, high: 1 }, verdict, smallest: 0.01, more, correlation: 0, mcnemar: undefined },
  }
}

function armOf(size: number, overrides: Partial<ArmReport> = {}): ArmReport {
  return {
    ...{ name: `packs of ${size}`, kind: 'packed', size, records: 3_000, rejected: 0, groups: 3_000 / size },
    ...{ isStopped: false, score: estimate(0.85), loss: undefined, flips: undefined },
    ...{ byPosition: [], byBefore: [], byLength: [], confusions: [], shares: [], requests: 1 },
    speed: { recordsPerSecond: 2 * size, firstResultMs: 1, p50Ms: 1, p95Ms: 1 },
    tokens: { input: 1, cached: 0, output: 1, reasoning: 0 },
    costPer1000: 0.1 + 0.9 / size,
    ...overrides,
  }
}

const alone = armOf(1, { kind: 'alone' })

const findings = (arms: readonly ArmReport[], overrides: Partial<Findings> = {}): Findings => ({
  ...{ model: 'gpt-4o-mini', scoredBy: 'labels', records: 3_000, seed: 1, margin: 0.02, stopped: undefined },
  ...{ arms, influence: undefined, runs: undefined, cost: 1 },
  ...overrides,
})

const packs = (rows: readonly Row[], overrides: Partial<ArmReport> = {}): ArmReport[] =>
  rows.map(([size, mean, low, high, more]) =>
    armOf(size, { loss: lossOf(mean, low, high, more), ...overrides }),
  )

const LIMITS = [
  'All losses lie in their intervals with 95%.',
  'This holds for gpt-4o-mini on the server that was asked, and for records like the 3,000 of the sample.',
]

describe('recommend', () => {
  const WITHIN_10: Row = [10, 0.003, -0.005, 0.011]
  const WITHIN_25: Row = [25, -0.004, -0.012, 0.008]
  const UNCLEAR_25: Row = [25, 0.006, -0.008, 0.024, 1_234]
  const BEYOND_25: Row = [25, 0.041, 0.023, 0.06]
  const BEYOND_50: Row = [50, 0.051, 0.031, 0.07]

  it.each<[string, Findings, string, number, string[]]>([
    [
      'the largest pack within the margin',
      findings([alone, ...packs([WITHIN_10, WITHIN_25, BEYOND_50])]),
      'pack',
      25,
      [
        'Use packs of 25.',
        'Packs of 25 gain 0.4 points (a loss of -1.2 to 0.8), and a loss of 2 points is excluded.',
        '1,000 records cost $0.14 instead of $1.00 alone.',
        '50 records per second are answered instead of 2.0 alone.',
        'Packs of 50 lose 5.1 points (3.1 to 7): more than the margin of 2 points.',
      ],
    ],
    [
      'a larger pack that is unclear, with the records that it needs',
      findings([alone, ...packs([WITHIN_10, UNCLEAR_25])]),
      'pack',
      10,
      [
        'Use packs of 10.',
        'Packs of 10 lose 0.3 points (-0.5 to 1.1), and a loss of 2 points is excluded.',
        '1,000 records cost $0.19 instead of $1.00 alone.',
        '20 records per second are answered instead of 2.0 alone.',
        'Packs of 25 lose 0.6 points (-0.8 to 2.4): the margin of 2 points lies in this interval. Ask about 1,300 more records to know.',
      ],
    ],
    [
      'no pack, if all lose too much',
      findings([alone, ...packs([BEYOND_25, BEYOND_50])]),
      'alone',
      1,
      [
        'Do not pack.',
        'Packs of 25 lose 4.1 points (2.3 to 6): more than the margin of 2 points.',
        'Packs of 50 lose 5.1 points (3.1 to 7): more than the margin of 2 points.',
      ],
    ],
    [
      'no pack, if none is cheaper',
      findings([alone, ...packs([WITHIN_10, UNCLEAR_25], { costPer1000: 1 })]),
      'alone',
      1,
      [
        'Do not pack.',
        'Packs of 10 lose 0.3 points (-0.5 to 1.1), but they are not cheaper than packs of one.',
        'Packs of 25 lose 0.6 points (-0.8 to 2.4), but they are not cheaper than packs of one.',
      ],
    ],
    [
      'by records per second without prices',
      findings([
        { ...alone, costPer1000: undefined },
        ...packs([WITHIN_10], { costPer1000: undefined }),
        ...packs([WITHIN_25], {
          costPer1000: undefined,
          speed: { ...alone.speed, recordsPerSecond: 1.9 },
        }),
      ]),
      'pack',
      10,
      [
        'Use packs of 10.',
        'Packs of 10 lose 0.3 points (-0.5 to 1.1), and a loss of 2 points is excluded.',
        '20 records per second are answered instead of 2.0 alone.',
        'Packs of 25 gain 0.4 points (a loss of -1.2 to 0.8), but they are not faster than packs of 10.',
      ],
    ],
    [
      'nothing yet, if the sample is too small',
      findings([alone, ...packs([UNCLEAR_25, [50, 0.02, -0.05, 0.09]])]),
      'unclear',
      1,
      [
        'Cannot tell yet: the sample is too small. Ask about 1,300 more records.',
        'Packs of 25 lose 0.6 points (-0.8 to 2.4): the margin of 2 points lies in this interval. Ask about 1,300 more records to know.',
        'Packs of 50 lose 2 points (-5 to 9): the margin of 2 points lies in this interval.',
      ],
    ],
    [
      'nothing without records',
      findings([alone]),
      'unclear',
      1,
      ['Cannot tell yet: the sample has no record that was asked alone and in a pack.'],
    ],
    [
      'agreement without gold',
      findings([alone, ...packs([WITHIN_10, WITHIN_25])], { scoredBy: 'agreement' }),
      'pack',
      25,
      [
        'Use packs of 25.',
        'Packs of 25 change 0.4 points fewer answers than noise does (a loss of -1.2 to 0.8), and a loss of 2 points is excluded.',
        '1,000 records cost $0.14 instead of $1.00 alone.',
        '50 records per second are answered instead of 2.0 alone.',
        'Without gold, a changed answer counts as a loss, though it may be better than the answer alone.',
      ],
    ],
  ])('%s', (_, given, kind, size, sentences) => {
    expect(recommend(given)).toEqual({ kind, size, sentences: [...sentences, ...LIMITS] })
  })

  it('names an extra arm that loses less at no more cost, and whether this is shown', () => {
    const sentencesWith = (low: number, high: number, costPer1000: number): readonly string[] => {
      const loss = lossOf(-0.02, low, high, 0)
      const votes = armOf(10, { kind: 'extra', name: 'votes of 3', loss, costPer1000 })
      return recommend(findings([alone, ...packs([WITHIN_10]), votes])).sentences.slice(4, -LIMITS.length)
    }
    expect(sentencesWith(-0.03, -0.01, 0.19)).toEqual([
      'The arm "votes of 3" gains 2 points (a loss of -3 to -1), at no more cost than packs of 10.',
      'This difference is shown.',
    ])
    expect(sentencesWith(-0.04, 0.001, 0.1)[1]).toBe('The sample does not show that this difference is real.')
    expect(sentencesWith(-0.03, -0.01, 0.2)).toEqual([])
  })

  it('says where a loss comes from', () => {
    const share = { label: 'other', packed: 0.12, alone: 0.08, difference: { low: 0.01, high: 0.07 } }
    const arm = { rejected: 40, shares: [{ ...share, isAlarm: true }] }
    const none = { size: 50, noise: estimate(0.031), beyond: estimate(0.01, -0.01, 0.03) }
    const influence = { ...none, packed: estimate(0.041), isShown: false }
    const runs = {
      size: 50,
      inRuns: estimate(0.03),
      others: estimate(0),
      difference: estimate(0.03, 0.01, 0.05),
    }
    const said = (overrides: Partial<Findings>): readonly string[] =>
      recommend(findings([alone, ...packs([WITHIN_10], arm)], overrides)).sentences.slice(4, -LIMITS.length)
    expect(said({ influence, runs: { ...runs, isShown: true } })).toEqual([
      'Packs of 10 say "other" too often: 12% of the records, 8% alone.',
      'Packs of 10 rejected 40 of 3,000 records. They count as wrong.',
      'No influence of neighbours and places is shown: two orders of packs of 50 differ in 4.1% of the records, and packs of one in 3.1% when asked twice.',
      'Sorted input needs --mix: records behind two records of one label lose 3 points more (1 to 5).',
    ])
    expect(said({ influence: { ...influence, isShown: true } })[2]).toContain(
      'Neighbours and places change answers: two',
    )
    const quiet = { ...runs, isShown: false, difference: estimate(0.003, -0.01, 0.015) }
    expect(said({ runs: quiet })[2]).toContain('Short runs of one label do not matter: records behind')
    const open = { ...quiet, difference: estimate(0.01, -0.02, 0.04) }
    expect(said({ runs: open })[2]).toContain('The sample does not show whether --mix matters: records')
    const less = { ...runs, isShown: false, difference: estimate(-0.032, -0.37, 0.318) }
    expect(said({ runs: less })[2]).toContain('lose 3.2 points less (a difference of -37 to 31.8)')
  })
})
