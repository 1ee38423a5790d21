import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { PackStream, PackStreamError, type Outcome } from 'llm-pack-stream'
import * as z from 'zod'
import { inNoTime, texts } from '../helpers/collect.ts'
import { echo, scriptedClient, type Answer, type Call } from '../helpers/scripted-client.ts'

const schema = z.object({
  team: z.enum(['card', 'fee']),
  more: z.array(z.object({ tone: z.enum(['good', 'bad']) })),
})
const more = [{ tone: 'good' }]
type Team = z.infer<typeof schema>

/** An answer with one element for each record. */
const answerOf = ({ records }: Call, value: (record: { text: string }) => object): string =>
  JSON.stringify({ results: records.map((record) => ({ id: record.id, ...value(record) })) })

/** Runs records through a stream. Returns the outcomes, and the error if the stream failed. */
async function run(count: number, answer: (call: Call) => Answer, options: object = {}) {
  const client = scriptedClient(answer)
  const stream = new PackStream<string, Team>({
    ...{ client, model: 'm', instructions: 'Sort.', schema, linger: 0 },
    ...options,
  })
  const outcomes: Outcome<string, Team>[] = []
  const closing = new AbortController()
  const { signal } = closing
  stream.once('close', () => {
    closing.abort()
  })
  let error: unknown
  await inNoTime(async () => {
    const reading = (async () => {
      for await (const outcome of stream) outcomes.push(outcome)
    })()
    for (const text of texts(count)) {
      if (stream.destroyed) break
      if (!stream.write(text)) await once(stream, 'drain', { signal }).catch(() => undefined)
    }
    stream.end()
    await reading.catch((reason: unknown) => (error = reason))
  })
  const asked = new Set(client.calls.flatMap(({ records }) => records.map(({ text }) => text)))
  return { outcomes, error: error as PackStreamError | undefined, calls: client.calls, asked, stream }
}

const good = (call: Call) => ({ text: answerOf(call, () => ({ team: 'card', more })) })

describe('a model whose answers are never usable', () => {
  it.each<[string, (call: Call) => Answer, string]>([
    [
      'another label',
      (call) => ({ text: answerOf(call, () => ({ team: 'Billing', more })) }),
      '`team` was never one of the labels; for example `Billing`',
    ],
    [
      'another label in an array',
      (call) => ({ text: answerOf(call, () => ({ team: 'fee', more: [{ tone: 'x'.repeat(50) }] })) }),
      `\`more.0.tone\` was never one of the labels; for example \`${'x'.repeat(40)}\``,
    ],
    // The text of a record never stands in a message.
    [
      'the text as the label',
      (call) => ({ text: answerOf(call, ({ text }) => ({ team: text, more })) }),
      '`team` was never one of the labels; for example `…`',
    ],
    [
      'another type',
      (call) => ({ text: answerOf(call, () => ({ team: 'fee', more: 'text 1' })) }),
      '`more` never matched the schema',
    ],
    ['prose', () => ({ text: 'I am sorry, Dave.' }), 'the answers were not JSON'],
    ['nothing', () => ({ text: '{"results":[]}' }), 'the answers had no elements'],
    [
      'only a thought',
      () => ({ text: '', thoughts: 3 }),
      'all of the answers came as thoughts, and no text after them',
    ],
    [
      'elements without an id',
      () => ({
        text: JSON.stringify({
          results: [
            { team: 'card', more },
            { team: 'fee', more },
          ],
        }),
      }),
      'no element had an id that was asked',
    ],
    [
      'a long thought',
      () => ({ text: '{"results":[', finishReason: 'length' }),
      'the answers were cut before the first result',
    ],
  ])('with %s ends the stream early, and the message says so', async (_what, answer, came) => {
    const { error, outcomes, calls, asked } = await run(2_000, answer)
    expect(error).toBeInstanceOf(PackStreamError)
    expect(error).toMatchObject({ code: 'unusable_answers' })
    expect(error?.message).toContain(`${came}. Check \`model\``)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toEqual([])
    // The first packs, and four records alone.
    expect(asked.size).toBeLessThanOrEqual(4 * 25 + 4)
    expect(calls.length).toBeLessThanOrEqual(16)
  })

  it('is stopped after 40 records, if each record is alone', async () => {
    const { error, calls } = await run(200, () => ({ text: '{}' }), { maxPackRecords: 1, maxInFlight: 1 })
    expect(error?.code).toBe('unusable_answers')
    // Each record is asked four times, before the next record.
    expect(calls.length).toBeLessThanOrEqual(4 * 40)
  })

  it('of fewer than 40 records has rejected records', async () => {
    const { error, outcomes } = await run(39, () => ({ text: '{}' }))
    expect(error).toBeUndefined()
    expect(outcomes).toHaveLength(39)
  })

  it('may be good at records alone', async () => {
    const { error, outcomes } = await run(
      200,
      (call) => (call.records.length > 1 ? { text: '{}' } : good(call)),
      {
        maxInFlight: 1,
      },
    )
    expect(error).toBeUndefined()
    expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true)
    expect(outcomes).toHaveLength(200)
  })

  it('is not blamed for failures of the network', async () => {
    let failures = 0
    const { error, outcomes } = await run(
      300,
      (call) => {
        if (failures++ < 20) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' })
        return good(call)
      },
      { maxAttempts: 30 },
    )
    expect(error).toBeUndefined()
    expect(outcomes).toHaveLength(300)
  })
})

describe('maxRejects', () => {
  /** A model that has no result for every record whose number is above this. */
  const until = (last: number) => (call: Call) => ({
    text: answerOf(call, ({ text }) => ({ team: Number(text.slice(5)) > last ? 'x' : 'card', more })),
  })

  it.each([
    [0, 1],
    [5, 6],
  ])(
    '%i: the stream ends at reject %i, after all outcomes that were paid for',
    async (maxRejects, rejects) => {
      const { error, outcomes, stream } = await run(1_000, until(99), {
        ...{ maxRejects, maxAttempts: 1, maxInFlight: 1, maxPackRecords: 1 },
      })
      expect(error).toMatchObject({
        code: 'too_many_rejects',
        unsettled: stream.stats.records.read - outcomes.length,
      })
      expect(error?.message).toContain(
        `${rejects} of ${100 + rejects} records were rejected, and \`maxRejects\` is`,
      )
      expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(rejects)
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(100)
    },
  )

  it.each<[number, number, number]>([
    // The share counts from 40 outcomes on.
    [0.1, 0, 5],
    [0.1, 99, 12],
    [0.5, 99, 101],
  ])('a share of %d, good until %i: the stream ends at reject %i', async (maxRejects, last, rejects) => {
    const options = { maxRejects, maxAttempts: 1, maxInFlight: 1, maxPackRecords: 1 }
    const { error, outcomes } = await run(1_000, until(last), options)
    expect(error?.code).toBe('too_many_rejects')
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(rejects)
  })

  it('counts records that are never sent', async () => {
    const client = scriptedClient(echo)
    const stream = new PackStream<unknown, string>({
      ...{ client, model: 'm', instructions: '', schema: z.string(), maxRejects: 1 },
      serialize: () => {
        throw new Error('no')
      },
    })
    for (let i = 0; i < 3; i++) stream.write({})
    stream.end()
    const outcomes: unknown[] = []
    await expect(
      (async () => {
        for await (const outcome of stream) outcomes.push(outcome)
      })(),
    ).rejects.toMatchObject({ code: 'too_many_rejects' })
    expect(outcomes.length).toBeGreaterThanOrEqual(2)
  })
})
