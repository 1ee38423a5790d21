import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Outcome } from 'llm-pack-stream'
import { collect, inNoTime, stringStream, texts } from '../../helpers/collect.ts'
import { scriptedClient, type Answer, type Call } from '../../helpers/scripted-client.ts'

/** What a faulty model does with one answer. `at` picks a record or a cut. */
const faults = [
  'none',
  'missing',
  'invalid',
  'repeated',
  'unknown',
  'shuffled',
  'swapped id',
  'length',
  'silent end',
  'reset',
  'refusal',
  'content_filter',
  'not json',
  'empty',
  'server error',
  'rate limit',
] as const
type Fault = { kind: (typeof faults)[number]; at: number }

function faulty(call: Call, { kind, at }: Fault): Answer {
  const elements: { id: unknown; value: unknown }[] = call.records.map(({ id, text }) => ({
    id,
    value: text,
  }))
  const victim = at % elements.length
  switch (kind) {
    case 'missing':
      elements.splice(victim, 1)
      break
    case 'invalid':
      elements[victim]!.value = 42
      break
    case 'repeated':
      elements.push({ ...elements[victim]!, value: 'again' })
      break
    case 'unknown':
      elements.splice(
        victim,
        0,
        { id: elements.length + 1 + at, value: 'whose?' },
        { id: 'x', value: 'whose?' },
      )
      break
    case 'shuffled':
      elements.reverse()
      break
    // A model that skips a record and shifts the rest: the one id that comes twice shows it.
    case 'swapped id':
      elements[victim]!.id = elements[(victim + 1) % elements.length]!.id
      break
    case 'rate limit':
      throw Object.assign(new Error('429'), { status: 429, headers: { 'retry-after-ms': `${at / 10}` } })
    case 'server error':
      throw Object.assign(new Error('500'), { status: 500, headers: { 'retry-after-ms': '0' } })
  }
  const text = `{"results":[${elements.map((element) => JSON.stringify(element)).join(',')}]}`
  const cut = text.slice(0, at % text.length)
  switch (kind) {
    case 'length':
      return { text: cut, finishReason: 'length' }
    case 'silent end':
      return { text: cut, finishReason: null, usage: null }
    case 'reset':
      return { text: reset(cut) }
    case 'refusal':
      return { refusal: 'No.' }
    case 'content_filter':
      return { text: cut, finishReason: 'content_filter' }
    case 'not json':
      return { text: `${cut}\u0000` }
    case 'empty':
      return { text: '' }
    default:
      return { text: piecesOf(text, at) }
  }
}

function* reset(text: string): Generator<string> {
  yield text
  throw Object.assign(new TypeError('terminated'), { headers: { 'retry-after-ms': '0' } })
}

function* piecesOf(text: string, seed: number): Generator<string> {
  const size = 1 + (seed % 11)
  for (let i = 0; i < text.length; i += size) yield text.slice(i, i + size)
}

const plan = fc.array(fc.record({ kind: fc.constantFrom(...faults), at: fc.nat(400) }), {
  minLength: 1,
  maxLength: 12,
})

describe('exactly one outcome per record', () => {
  it('holds under every plan of faults, in every shape of packs', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        plan,
        fc.integer({ min: 0, max: 40 }),
        fc.record({
          maxPackRecords: fc.integer({ min: 1, max: 9 }),
          maxInFlight: fc.integer({ min: 1, max: 4 }),
          maxAttempts: fc.integer({ min: 1, max: 4 }),
          preserveOrder: fc.boolean(),
          highWaterMark: fc.integer({ min: 0, max: 8 }),
          linger: fc.constantFrom(0, 1, 200, 2 ** 31 - 1),
        }),
        // Which records cannot be serialized, before which flush() is called, and after which the consumer rests.
        fc.record({ bad: fc.array(fc.nat(40)), flush: fc.array(fc.nat(40)), rest: fc.array(fc.nat(40)) }),
        async (faultPlan, count, options, { bad, flush, rest }) => {
          const settled = new Set<string>()
          const client = scriptedClient((call) => {
            for (const { text } of call.records) {
              expect(settled.has(text), `${text} was sent again after it had settled`).toBe(false)
            }
            return faulty(call, faultPlan[call.number] ?? { kind: 'none', at: 0 })
          })
          const isBad = (text: string) => bad.some((i) => text === `text ${i}`)
          const serialize = (text: string) => (isBad(text) ? (undefined as unknown as string) : text)
          const stream = stringStream(client, { ...options, serialize })
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
            // The only lie that no reader can see is one valid element under a wrong id.
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
      { numRuns: 1_000 },
    )
  })

  it('lets all succeed that can, when each fault happens once', async () => {
    for (const kind of faults) {
      const client = scriptedClient((call) =>
        faulty(call, { kind: call.number === 0 ? kind : 'none', at: 37 }),
      )
      const outcomes = await inNoTime(() => collect(stringStream(client, { maxPackRecords: 7 }), texts(20)))
      expect(
        outcomes.map(({ status }) => status),
        kind,
      ).toEqual(Array(20).fill('fulfilled'))
    }
  })

  it('rejects with what the last attempt met', async () => {
    const client = scriptedClient((call) =>
      call.number === 0 ? faulty(call, { kind: 'invalid', at: 0 }) : { text: '{"results":[]}' },
    )
    expect(await collect(stringStream(client, { maxAttempts: 2 }), ['a'])).toMatchObject([
      { attempts: 2, reason: { code: 'missing_result', issues: [] } },
    ])
  })

  it.each([
    ['refusal', 'refused'],
    ['content_filter', 'content_filtered'],
    ['length', 'answer_truncated'],
  ] as const)('rejects a record that alone meets %s at once, as %s', async (kind, code) => {
    const client = scriptedClient((call) => faulty(call, { kind, at: 20 }))
    expect(await collect(stringStream(client), ['a'])).toMatchObject([{ attempts: 1, reason: { code } }])
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
  it('follows the ids of a shuffled answer', async () => {
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
    expect(stream.stats.elements[kind]).toBe(kind === 'unknown' ? 2 : 1)
  })
})
