import { expect, it } from 'vitest'
import { guardedJob } from './model.ts'

const job = (seed: number, points: number) =>
  guardedJob({ seed, records: 20_000, share: 0.1, margin: 0.02, packRecords: 25, points, noise: 0.006 })

it('a guard makes packs smaller when packing costs 6 points, and audits the small packs on', () => {
  const { loss, sizes, findings } = job(1, 6)
  expect(sizes.length).toBe(2)
  expect(sizes[1]).toBeLessThan(7)
  expect(loss).toBeLessThan(0.03)
  const [step] = findings.steps
  expect(step).toMatchObject({ packRecords: 25 })
  expect(step?.interval.low).toBeGreaterThan(0.02)
  expect(findings.packRecords).toBe(sizes[1])
  expect(findings.records).toBeGreaterThan(100)
  expect(findings.interval.low).toBeLessThan(0.02)
})

it('a guard leaves packs as they are when packing costs nothing', () => {
  const { sizes, findings } = job(1, 0)
  expect(sizes).toEqual([25])
  expect(findings.steps).toEqual([])
  expect(findings.interval.low).toBeLessThan(0)
  expect(findings.interval.high).toBeGreaterThan(0)
})
