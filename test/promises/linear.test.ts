import { Session } from 'node:inspector/promises'
import { describe, expect, it } from 'vitest'
import { Reuse } from '../../src/cache/reuse.ts'
import { ResultCache } from '../../src/cache/result-cache.ts'
import type { Outcome } from 'llm-pack-stream'
import { entryOf } from '../helpers/entry.ts'
import { runLinearJob, type LinearJob } from '../helpers/linear-job.ts'

// From the beginning: code that V8 has optimized before would not be counted.
const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })

/** How often a job goes through a block of the code in `src`, or of its heaps: V8's own count. */
async function operationsOf(job: () => void): Promise<number> {
  await session.post('Profiler.takePreciseCoverage')
  job()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  const ours = result.filter(({ url }) => /\/src\/|tinyqueue/.test(url))
  const blocks = ours.flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
  return blocks.reduce((sum, { count }) => sum + count, 0)
}

// More than fit into the largest window.
const RECORDS = 8_000
const JOB: LinearJob = {
  ...{ records: RECORDS, maxPackRecords: 10, firstEnd: 'complete' },
  keyOf: () => undefined,
}

async function perRecord(changes: Partial<LinearJob>): Promise<number> {
  const job = { ...JOB, ...changes }
  const operations = await operationsOf(() => runLinearJob(job))
  return operations / job.records
}

/**
 * The largest growth from packs of 10 to packs of 400. A heap takes more steps where it holds more
 * keys, by the logarithm: 31% of all were measured. A look at each key would take forty times more.
 */
const MOST_GROWTH = 1.5

function expectNoGrowth(figures: readonly number[]): void {
  expect(figures[0]).toBeGreaterThan(1)
  for (const figure of figures) expect(figure).toBeLessThanOrEqual(MOST_GROWTH * figures[0]!)
}

describe('the work for one record does not grow', () => {
  const sizes = [10, 100, 400]

  it.each<[string, Partial<LinearJob>]>([
    ['that are answered', {}],
    ['with a key for each record', { keyOf: (index) => `key ${index}` }],
    ['with a key for each five records', { keyOf: (index) => `key ${Math.floor(index / 5)}` }],
    ['with two keys in turn', { keyOf: (index) => `key ${index % 2}` }],
    ['that wait for a rate limit and a spending cap', { isLimited: true }],
    ['that all fail once', { firstEnd: 'failure' }],
    ['that all fail once, with a key for each record', { firstEnd: 'failure', keyOf: (i) => `key ${i}` }],
    ['that are all refused once', { firstEnd: 'refusal' }],
  ])('with the size of packs %s', async (_what, changes) => {
    const figures: number[] = []
    for (const maxPackRecords of sizes) figures.push(await perRecord({ ...changes, maxPackRecords }))
    expectNoGrowth(figures)
  })

  it('with the number of keys', async () => {
    const figures: number[] = []
    for (const keys of [1, 10, 100, 500]) {
      // Ten records of a key in a row: whatever the number of keys, packs are full.
      const keyOf = (index: number) => `key ${Math.floor(index / 10) % keys}`
      figures.push(await perRecord({ keyOf }))
    }
    expectNoGrowth(figures)
  })

  it('with the size of the mix, also with many keys', async () => {
    for (const keyOf of [JOB.keyOf, (index: number) => `key ${index % 100}`]) {
      const figures: number[] = []
      for (const mix of [50, 500, 4_000]) figures.push(await perRecord({ mix, keyOf }))
      expectNoGrowth(figures)
    }
  })

  it('with the number of records', async () => {
    expectNoGrowth([await perRecord({}), await perRecord({ records: 4 * RECORDS })])
  })

  it('with the number of records that wait for a twin', async () => {
    const figures: number[] = []
    for (const twins of [10, 100, 1_000]) {
      const job = () => {
        const cache = new ResultCache<string>(new Map(), [], (result) => ({ value: result as string }))
        const reuse = new Reuse<string, string>(
          cache,
          () => undefined,
          () => undefined,
        )
        for (let i = 0; i < RECORDS; i += twins) {
          const leader = entryOf(i, { cacheKey: `key ${i}` })
          reuse.lead(leader)
          for (let k = 1; k < twins; k++) reuse.join(entryOf(i + k, { cacheKey: `key ${i}` }))
          const outcome: Outcome<string, string> = {
            ...{ status: 'fulfilled', index: i, record: '', value: 'x', attempts: 1 },
          }
          reuse.settle(leader, outcome, 'x')
        }
      }
      figures.push((await operationsOf(job)) / RECORDS)
    }
    expectNoGrowth(figures)
  })
})
