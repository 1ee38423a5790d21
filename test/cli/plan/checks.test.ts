import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { formatPlan } from '../../../src/cli/plan/format.ts'
import { makePlan } from '../../../src/cli/plan/make-plan.ts'
import type { PlanOptions } from '../../../src/cli/estimate/options.ts'

const job: PlanOptions = {
  ...{ model: 'm', instructions: 'Label each message with the team.', maxPackRecords: 10 },
  schema: z.object({ team: z.enum(['shipping', 'returns']) }),
  pricing: { input: 1, output: 4 },
}
const planned = (options: Partial<PlanOptions>) =>
  makePlan(
    (async function* () {
      await Promise.resolve()
      for (let i = 0; i < 1_000; i++) yield { text: `Where is my parcel, number ${i}?` }
    })(),
    { ...job, ...options },
  )
const once = await planned({})
const chosen = once.rows.find(({ size }) => size === once.chosen?.size)

describe('the checks of a plan', () => {
  it('are absent without flags', () => {
    expect(once.checks).toBeUndefined()
  })

  it('multiply the requests by 2 to the number of votes', async () => {
    const { checks } = await planned({ votes: 3 })
    expect(checks?.votes).toMatchObject({
      least: 2,
      most: 3,
      requests: { low: 224, expected: 224, high: 336 },
    })
    expect(checks?.votes?.cost?.low).toBeCloseTo(2 * (chosen?.cost?.low ?? 0))
    expect(checks?.votes?.cost?.high).toBeCloseTo(3 * (chosen?.cost?.high ?? 0))
  })

  it('are told before the notes', async () => {
    const text = formatPlan(await planned({ votes: 3 })).replaceAll('\n', ' ')
    expect(text).toMatch(
      /Votes \(--votes 3\): 2 to 3 requests with each record, in all 224 to 336 requests, \$[\d.–]+, [\d.–]+ s\./,
    )
  })

  it('count the packing protocol, also where the plan would not pack', async () => {
    const { checks, chosen: alone } = await planned({ votes: 2, maxPackRecords: 1 })
    expect(alone?.size).toBe(1)
    expect(checks?.votes?.requests.expected).toBe(2_000)
    expect(checks?.votes?.cost?.low).toBeGreaterThan(2 * (once.rows[0]?.cost?.low ?? 0))
  })

  it('ask audited records alone, twice', async () => {
    const alone = (await planned({ votes: 2, maxPackRecords: 1 })).checks
    const { checks } = await planned({ audit: { share: 0.02 }, votes: 2 })
    expect(checks?.audit).toMatchObject({ share: 0.02, requests: { low: 40, expected: 40, high: 40 } })
    // `alone` has two ballots of each record, so 2% of it are two questions for 2% of the records.
    expect(checks?.audit?.cost?.expected).toBeCloseTo(0.02 * (alone?.votes?.cost?.expected ?? 0), 10)
    expect(checks?.all.requests).toEqual({ low: 264, expected: 264, high: 264 })
    const text = formatPlan(await planned({ audit: { share: 0.02 } })).replaceAll('\n', ' ')
    expect(text).toMatch(
      /Audit \(--audit 2%\): two more requests for each audited record, 40 requests, \$[\d.–]+, [\d.–]+ \w+\. With the audit, in all 152 requests, /,
    )
  })

  it('ask nothing for an audit where no record shares a request', async () => {
    const plan = await planned({ audit: { share: 0.02 }, maxPackRecords: 1 })
    expect(plan.checks?.audit?.requests.high).toBe(0)
    expect(formatPlan(plan)).toContain('Audit (--audit 2%): asks nothing')
  })

  it('need a share for an audit', async () => {
    await expect(planned({ audit: { share: 2 } })).rejects.toThrow('`audit.share`')
  })

  it('need a whole number of votes', async () => {
    await expect(planned({ votes: 1 })).rejects.toThrow('`votes`')
  })
})
