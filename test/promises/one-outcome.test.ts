import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ApiName, Outcome, PackStreamOptions } from 'llm-pack-stream'
import { faults, faulty, plan, type Asked, streamOptions } from '../helpers/faulty-answers.ts'
import { collect, inNoTime, stringStream, texts } from '../helpers/collect.ts'
import { answerOf, scriptedClient, scriptedResponses, type Answer } from '../helpers/scripted-client.ts'
import { runs } from '../helpers/properties.ts'

/** A stream with a scripted model on either API. */
function scriptedStream(
  api: ApiName,
  script: (call: Asked) => Answer | Promise<Answer>,
  options: Partial<PackStreamOptions<string, string>> = {},
) {
  const client = api === 'chat' ? scriptedClient(script) : scriptedResponses(script)
  return { client, stream: stringStream(client, { ...options, api }) }
}

const apis: readonly ApiName[] = ['chat', 'responses']

describe('exactly one outcome per record', () => {
  it('holds under every plan of faults, with packs of every size', async () => {
    await fc.assert(
      fc.asyncProperty(
        plan,
        fc.constantFrom<ApiName>('chat', 'responses'),
        fc.integer({ min: 0, max: 40 }),
        fc.record({
          ...streamOptions,
          linger: fc.constantFrom(0, 1, 200, 2 ** 31 - 1),
          firstTokenTimeout: fc.constantFrom(100, 1_000),
        }),
        // The records that cannot be serialized, the records before which flush() is called, and
        // the records after which the consumer pauses.
        fc.record({ bad: fc.array(fc.nat(40)), flush: fc.array(fc.nat(40)), rest: fc.array(fc.nat(40)) }),
        async (faultPlan, api, count, options, { bad, flush, rest }) => {
          const settled = new Set<string>()
          const script = (call: Asked) => {
            for (const { text } of call.records) {
              expect(settled.has(text), `${text} was sent again after it had settled`).toBe(false)
            }
            return faulty(call, faultPlan[call.number] ?? { kind: 'none', at: 0 })
          }
          const isBad = (text: string) => bad.some((i) => text === `text ${i}`)
          const serialize = (text: string) => (isBad(text) ? (undefined as unknown as string) : text)
          const { stream } = scriptedStream(api, script, { ...options, serialize })
          const outcomes: Outcome<string, string>[] = []
          await inNoTime(() =>
            pipeline(
              async function* () {
                for (const [i, text] of texts(count).entries()) {
                  if (flush.includes(i)) stream.flush()
                  yield await Promise.resolve(text)
                }
              },
              stream,
              async (source) => {
                for await (const outcome of source) {
                  settled.add(outcome.record)
                  outcomes.push(outcome)
                  if (rest.includes(outcomes.length)) await new Promise((resolve) => setImmediate(resolve))
                }
              },
            ),
          )

          const indexes = outcomes.map(({ index }) => index)
          expect(indexes.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i))
          if (options.preserveOrder) expect(indexes).toEqual(indexes.toSorted((a, b) => a - b))
          for (const outcome of outcomes) {
            expect(outcome.record).toBe(`text ${outcome.index}`)
            // A valid element under a wrong id is the only error that no reader can see.
            if (outcome.status === 'fulfilled' && !faultPlan.some(({ kind }) => kind === 'swapped id')) {
              expect(outcome.value).toBe(outcome.record)
            }
            expect(outcome.attempts === 0).toBe(isBad(outcome.record))
          }
          const { records } = stream.stats
          expect(records).toEqual({
            read: count,
            fulfilled: outcomes.filter(({ status }) => status === 'fulfilled').length,
            rejected: outcomes.filter(({ status }) => status === 'rejected').length,
            unsettled: 0,
          })
        },
      ),
      { numRuns: runs(1_000) },
    )
  })

  it.each(apis.flatMap((api) => faults.map((fault) => [api, fault] as const)))(
    '%s: lets all succeed that can, when %s happens once',
    async (api, kind) => {
      const script = (call: Asked) => faulty(call, { kind: call.number === 0 ? kind : 'none', at: 37 })
      const { stream } = scriptedStream(api, script, { maxPackRecords: 7 })
      const outcomes = await inNoTime(() => collect(stream, texts(20)))
      expect(outcomes.map(({ status }) => status)).toEqual(Array(20).fill('fulfilled'))
    },
  )

  it('rejects with the error of the last attempt', async () => {
    const client = scriptedClient((call) =>
      call.number === 0 ? faulty(call, { kind: 'invalid', at: 0 }) : { text: '{"results":[]}' },
    )
    expect(await collect(stringStream(client, { maxAttempts: 2 }), ['a'])).toMatchObject([
      { attempts: 2, reason: { code: 'missing_result', issues: [] } },
    ])
  })

  const aboutOneRecord = [
    ['refusal', 'refused'],
    ['content_filter', 'content_filtered'],
    ['context', 'context_length_exceeded'],
  ] as const

  it.each([
    ...aboutOneRecord.map(([kind, code]) => [kind, code, {}, 1] as const),
    ['length', 'answer_truncated', { maxOutputTokens: 100 }, 1] as const,
    // The answer may have been cut elsewhere than at the cap.
    ['length', 'answer_truncated', {}, 2] as const,
  ])(
    'rejects a record that alone meets %s, as %s: %j, attempts: %i',
    async (kind, code, options, attempts) => {
      for (const api of apis) {
        const { stream } = scriptedStream(api, (call) => faulty(call, { kind, at: 20 }), options)
        expect(await collect(stream, ['a'])).toMatchObject([{ attempts, reason: { code } }])
      }
    },
  )

  it.each(aboutOneRecord)(
    'finds the one record that meets %s by halving, which is no attempt of its neighbours',
    async (kind, code) => {
      for (const api of apis) {
        const isGuilty = ({ text }: { text: string }) => text === 'text 11'
        const { client, stream } = scriptedStream(
          api,
          (call) =>
            call.records.some(isGuilty)
              ? faulty(call, { kind, at: 0 })
              : { text: answerOf(call, ({ text }) => text) },
          { maxPackRecords: 16, maxInFlight: 1, maxAttempts: 1 },
        )
        const outcomes = await collect(stream, texts(16))
        expect(outcomes.filter(({ status }) => status === 'rejected')).toMatchObject([
          { index: 11, reason: { code }, pack: { size: 1 } },
        ])
        const sizes = client.calls.map(({ records }) => records.length)
        expect(sizes.toSorted((a, b) => b - a)).toEqual([16, 8, 8, 4, 4, 2, 2, 1, 1])
      }
    },
  )

  it('sends failed records together once more, then in halves, and in the end alone', async () => {
    const { client, stream } = scriptedStream('chat', (call) => faulty(call, { kind: 'silent end', at: 0 }), {
      maxPackRecords: 8,
      maxInFlight: 1,
    })
    const outcomes = await inNoTime(() => collect(stream, texts(8)))
    expect(outcomes).toMatchObject(
      Array(8).fill({ attempts: 4, reason: { code: 'request_failed', cause: { code: 'cut_short' } } }),
    )
    const sizes = client.calls.map(({ records }) => records.length)
    expect(sizes.toSorted((a, b) => b - a)).toEqual([8, 8, 4, 4, ...Array<number>(8).fill(1)])
  })

  it('rejects a record that never gets a valid result, after maxAttempts, and fulfils its neighbours', async () => {
    const client = scriptedClient((call) => ({
      text: `{"results":[${call.records
        .map(({ id, text }) => JSON.stringify({ id, value: text === 'text 3' ? 42 : text }))
        .join(',')}]}`,
    }))
    const outcomes = await collect(stringStream(client, { maxPackRecords: 10, maxAttempts: 3 }), texts(10))
    const rejected = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(rejected).toMatchObject([
      {
        index: 3,
        record: 'text 3',
        attempts: 3,
        reason: { code: 'invalid_result', issues: [{ path: [] }] },
        pack: { size: 1, position: 1 },
      },
    ])
    expect(client.calls.map(({ records }) => records.length)).toEqual([10, 1, 1])
  })
})

describe("never a neighbour's answer", () => {
  it('uses the ids of a shuffled answer', async () => {
    const client = scriptedClient((call) => faulty(call, { kind: 'shuffled', at: 0 }))
    const outcomes = await collect(stringStream(client), texts(25))
    expect(
      outcomes.every((outcome) => outcome.status === 'fulfilled' && outcome.value === outcome.record),
    ).toBe(true)
    expect(client.calls).toHaveLength(1)
  })

  it.each(['repeated', 'unknown', 'missing', 'invalid'] as const)('counts a %s element', async (kind) => {
    const client = scriptedClient((call) => faulty(call, { kind: call.number === 0 ? kind : 'none', at: 3 }))
    const stream = stringStream(client)
    await collect(stream, texts(10))
    expect(stream.stats.elements[kind]).toBe(1)
  })
})
