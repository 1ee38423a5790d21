import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { PackStream } from 'llm-pack-stream'
import { scriptedClient } from '../helpers/scripted-client.ts'
import { isRight, labels, range, simulated, textOf } from '../simulator/quality/simulated.ts'

const MARGIN = 0.02
const ALONE = 0.85
/** Each record before a record costs half a point: 6 points on average in a pack of 25. */
const quality = { accuracy: ALONE, noise: 0.006, perPosition: 0.5 }

/** Sends records through the stream to the simulator's model. Returns the loss in accuracy. */
async function job(count: number, guard: boolean) {
  const model = simulated(quality)
  const client = scriptedClient(({ records }) => {
    const results = model.ask(records.map(({ text }) => text))
    return { text: JSON.stringify({ results: records.map(({ id }, at) => ({ ...results[at], id })) }) }
  })
  const stream = new PackStream<number, { label: string }>({
    ...{ client, model: 'm', instructions: 'Label.', schema: z.object({ label: z.enum(labels) }) },
    ...{ serialize: textOf, preserveOrder: true, audit: { share: 0.05, margin: MARGIN, guard } },
  })
  let [right, index] = [0, 0]
  for await (const outcome of Readable.from(range(count)).pipe(stream)) {
    expect(outcome.index).toBe(index++)
    if (outcome.status === 'fulfilled' && isRight(outcome.value.label, outcome.record)) right += 1
    // The client keeps each request, and this job has thousands.
    client.calls.length = 0
  }
  expect(index).toBe(count)
  return { loss: ALONE - right / count, stats: stream.stats }
}

it('a guard keeps the loss of 50,000 records within the margin, where it would be 6 points', async () => {
  const without = await job(20_000, false)
  const guarded = await job(50_000, true)
  const { audit } = guarded.stats
  console.log(`loss ${without.loss} without a guard, ${guarded.loss} with it`, audit)
  expect(without.loss).toBeGreaterThan(0.05)
  expect(without.stats.audit).toMatchObject({ packRecords: 25, steps: [] })
  expect(without.stats.audit?.interval.low).toBeGreaterThan(MARGIN)
  expect(guarded.loss).toBeLessThanOrEqual(MARGIN)
  expect(audit?.steps.length).toBeGreaterThan(0)
  expect(audit?.interval.low).toBeLessThan(MARGIN)
})
