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

  it('need a whole number of votes', async () => {
    await expect(planned({ votes: 1 })).rejects.toThrow('`votes`')
  })
})
