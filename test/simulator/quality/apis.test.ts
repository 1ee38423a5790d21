import { Readable } from 'node:stream'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Outcome, PackStream } from 'llm-pack-stream'
import { start } from '../helpers.ts'
import { goldOf, labels, objectOf, range, rightIn, simulated, textOf } from './simulated.ts'

describe.each(['chat', 'responses'] as const)('over the API %s', (api) => {
  const records = range(75)
  const quality = { truth: goldOf, accuracy: 0.7, perSize: { 25: 10 } }

  /** Labels the records with the library. Returns the label of each record. */
  async function label(maxPackRecords: number) {
    await using simulator = await start({ quality })
    const client = new OpenAI({ baseURL: simulator.baseURL, apiKey: 'simulator' })
    const stream = new PackStream<number, { label: string }>({
      ...{ client, api, model: 'm', instructions: 'Label.', schema: z.object({ label: z.enum(labels) }) },
      ...{ serialize: textOf, maxPackRecords, maxPackTokens: 100_000, preserveOrder: true, linger: 10_000 },
    })
    const outcomes = (await Readable.from(records).pipe(stream).toArray()) as Outcome<
      number,
      { label: string }
    >[]
    return {
      stats: simulator.stats,
      given: outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.label : 'rejected')),
    }
  }

  test('packs and single records get the planted answers', async () => {
    const [packed, alone] = await Promise.all([label(25), label(1)])
    const sent = simulated(quality)
    expect(alone.given).toEqual(sent.askAll(records, 1))
    expect(packed.given).toEqual(sent.askAll(records, 25))
    for (const { stats, given } of [packed, alone]) {
      const right = rightIn(given, records).filter(Boolean).length
      expect(stats.quality).toMatchObject({ asked: 75, right })
    }
    // Nothing else of the request matters: a request with one text gets the same answer.
    const plain = simulated(quality, objectOf({ label: { enum: labels } }))
    expect(records.map((record) => plain.say(textOf(record)))).toEqual(
      alone.given.map((label) => ({ label })),
    )
  })
})
