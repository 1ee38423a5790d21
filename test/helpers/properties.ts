import fc from 'fast-check'

/**
 * A failing property prints its seed and its path. This command runs only that case again:
 *
 *     FC_SEED=741582708 FC_PATH="12:0:1" npx vitest run --config test/vitest.config.ts test/promises/one-outcome.test.ts
 *
 * Without a path, the whole property runs with that seed.
 */
const { FC_SEED, FC_PATH, SOAK } = process.env
fc.configureGlobal({
  ...(FC_SEED === undefined ? {} : { seed: Number(FC_SEED) }),
  ...(FC_PATH === undefined ? {} : { path: FC_PATH }),
})

export const isSoak = SOAK !== undefined

/**
 * Number of runs of a costly property: a fifth of `count` in `npm test`, and twice `count` in the
 * soak.
 */
export const runs = (count: number): number => (isSoak ? 2 * count : Math.ceil(count / 5))
