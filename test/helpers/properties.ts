import fc from 'fast-check'

/**
 * A property that fails prints its seed and its path. To run that one again, alone:
 *
 *     FC_SEED=741582708 FC_PATH="12:0:1" npx vitest run --config test/vitest.config.ts test/promises/one-outcome.test.ts
 *
 * Without a path the whole property runs from that seed.
 */
const { FC_SEED, FC_PATH, SOAK } = process.env
fc.configureGlobal({
  ...(FC_SEED === undefined ? {} : { seed: Number(FC_SEED) }),
  ...(FC_PATH === undefined ? {} : { path: FC_PATH }),
})

export const isSoak = SOAK !== undefined

/** How often a costly property is tried: a fifth of the count in `npm test`, twice the count in the soak. */
export const runs = (count: number): number => (isSoak ? 2 * count : Math.ceil(count / 5))
