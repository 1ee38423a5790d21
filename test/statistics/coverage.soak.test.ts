import { describe, expect, it } from 'vitest'
import { coverageOf } from '../helpers/coverage.ts'

/*
 * The bounds of the issue: intervals that claim 95% hold in 93.5% or more of 2,000 samples. The
 * seed is not that of `npm run bench coverage`. With another seed, a method that holds in exactly
 * 95% misses this bound in one of 1,000 cases.
 */
const SEED = 1_717
const RUNS = 2_000
const LEAST = 0.935
const NO_LOSS = { records: 3_000, accuracy: 0.85, lost: 0.03, gained: 0.03 }
const BAD_PACKS = { share: 0.013, loss: 0.75 }

const models = [0, 0.1, 0.3, 0.5].flatMap((correlation) =>
  // The only record of a pack has no correlation.
  [1, 5, 25, 50]
    .filter((packSize) => packSize > 1 || correlation === 0)
    .flatMap((packSize) => {
      const model = { ...NO_LOSS, correlation, packSize }
      return [
        { name: 'no loss', model },
        { name: 'bad packs', model: { ...model, badPacks: BAD_PACKS } },
        // Far above the margin, so that the rule of eval stops on the way.
        { name: 'a large loss', model: { ...model, lost: 0.15 } },
      ]
    }),
)

describe('intervals that claim 95%, in 2,000 samples', () => {
  it.each(models)('$name, packs of $model.packSize, correlation $model.correlation', ({ model }) => {
    const { bounded, sequence, combined } = coverageOf(model, RUNS, SEED)
    expect(bounded.covers).toBeGreaterThanOrEqual(LEAST)
    expect(sequence.covers).toBeGreaterThanOrEqual(LEAST)
    expect(combined.covers).toBeGreaterThanOrEqual(LEAST)
  })
})
