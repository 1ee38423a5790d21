import { expect, it } from 'vitest'
import { guardedJob } from './model.ts'

const JOBS = 100
const jobs = (points: number, noise: number) =>
  Array.from({ length: JOBS }, (_, seed) =>
    guardedJob({
      ...{ seed: seed + 1, records: 50_000, share: 0.05, margin: 0.02, packRecords: 25 },
      ...{ points, noise },
    }),
  )

it('50,000 records with 5% audited stay within the margin, where packs of 25 would lose 6 points', () => {
  const all = jobs(6, 0.006)
  const mean = all.reduce((sum, { loss }) => sum + loss, 0) / JOBS
  console.log(`mean loss ${mean}, within the margin: ${all.filter(({ loss }) => loss <= 0.02).length}`)
  expect(mean).toBeLessThan(0.016)
  expect(all.filter(({ loss }) => loss <= 0.02).length).toBeGreaterThanOrEqual(75)
})

it.each([0.006, 0.02, 0.05])('without a loss and with noise %f, at most 5% of jobs step down', (noise) => {
  const stepped = jobs(0, noise).filter(({ sizes }) => sizes.length > 1)
  console.log(`noise ${noise}: ${stepped.length} of ${JOBS} jobs stepped down`)
  expect(stepped.length).toBeLessThanOrEqual(5)
})
