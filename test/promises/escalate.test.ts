import { channel } from 'node:diagnostics_channel'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import * as z from 'zod'
import { RateLimiter, type Outcome, type PackStreamOptions, type RequestStartEvent } from 'llm-pack-stream'
import { collect, gate, inNoTime, settle, stringStream, texts } from '../helpers/collect.ts'
import { faulty, plan, streamOptions } from '../helpers/faulty-answers.ts'
import { runs } from '../helpers/properties.ts'
import { answerOf, echo, scriptedClient, type Answer, type Call } from '../helpers/scripted-client.ts'

type Options = Partial<PackStreamOptions<string, string>>

const LIMITER = new RateLimiter()
const WEAK = 'm'
const STRONG = 'strong'
const isStrong = ({ body }: Call): boolean => body.model === STRONG

/** A server whose weak model answers `weak`, and whose strong model answers `strong`. */
function serverOf(weak: (text: string) => unknown, strong: (text: string) => unknown = (text) => `${text}!`) {
  return scriptedClient((call) => ({
    text: answerOf(call, ({ text }) => (isStrong(call) ? strong : weak)(text)),
  }))
}

const callsOf = (client: { calls: readonly Call[] }, model: string): Call[] =>
  client.calls.filter(({ body }) => body.model === model)
const askedBy = (client: { calls: readonly Call[] }, model: string): string[] =>
  callsOf(client, model).flatMap(({ records }) => records.map(({ text }) => text))
const endsIn7 = (_record: string, value: string): boolean => value.endsWith('7')
const sorted = (outcomes: readonly Outcome<string, string>[]) =>
  outcomes.toSorted((one, other) => one.index - other.index)

describe('escalate', () => {
  it('asks another model about the values that `when` refuses', async () => {
    const client = serverOf(String)
    const stream = stringStream(client, { escalate: { model: STRONG, when: endsIn7 } })
    const outcomes = sorted(await collect(stream, texts(100)))
    for (const { index, ...outcome } of outcomes) {
      const isAgain = index % 10 === 7
      const text = `text ${index}`
      expect(outcome).toMatchObject({
        value: isAgain ? `${text}!` : text,
        attempts: isAgain ? 2 : 1,
        ...(isAgain && { escalated: { because: 'when', from: text } }),
      })
      if (!isAgain) expect(outcome).not.toHaveProperty('escalated')
    }
    expect(askedBy(client, STRONG)).toHaveLength(10)
    // They share requests, although they follow from answers.
    expect(callsOf(client, STRONG).length).toBeLessThanOrEqual(2)
    expect(stream.stats.escalation).toMatchObject({ records: 10, changed: 10, rescued: 0 })
    expect(stream.stats.requests).toBe(client.calls.length)
  })

  it('asks in packs of one with `maxPackRecords: 1`', async () => {
    const client = scriptedClient((call) => ({
      text: answerOf(call, ({ text }) => (call.records.length === 1 ? `${text}!` : text)),
    }))
    const stream = stringStream(client, { escalate: { maxPackRecords: 1, when: endsIn7 } })
    const outcomes = await collect(stream, texts(50))
    expect(client.calls.filter(({ records }) => records.length === 1)).toHaveLength(5)
    expect(outcomes.filter((one) => one.status === 'fulfilled' && one.value.endsWith('7!'))).toHaveLength(5)
  })

  it('asks about records whose ballots do not all agree', async () => {
    const asked = new Map<string, number>()
    const client = serverOf((text) => {
      asked.set(text, (asked.get(text) ?? 0) + 1)
      return text.endsWith('7') && asked.get(text) === 1 ? 'other' : text
    })
    const stream = stringStream(client, { votes: 3, escalate: { model: STRONG } })
    const outcomes = await collect(stream, texts(40))
    const again = outcomes.filter((one) => one.status === 'fulfilled' && one.escalated)
    expect(again.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual([7, 17, 27, 37])
    for (const outcome of again) {
      const from = `text ${outcome.index}`
      const votes = { count: 3, agreed: 2 }
      expect(outcome).toMatchObject({ value: `${from}!`, escalated: { because: 'votes', from, votes } })
      expect(outcome).toMatchObject({ attempts: 4 })
      expect(outcome).not.toHaveProperty('votes')
    }
  })

  it('rescues rejected records, and keeps a first value if the second step has none', async () => {
    const client = serverOf(
      (text) => (text === 'lost' || text === 'rescued' ? 1 : text),
      (text) => (text === 'rescued' ? 'yes' : 1),
    )
    const options = {
      maxAttempts: 1,
      escalate: { model: STRONG, when: (record: string) => record === 'kept' },
    }
    const stream = stringStream(client, { ...options, maxPackRecords: 1 })
    const [lost, rescued, kept] = sorted(await collect(stream, ['lost', 'rescued', 'kept']))
    expect(lost).toMatchObject({ status: 'rejected', attempts: 2, reason: { code: 'invalid_result' } })
    expect(rescued).toMatchObject({ value: 'yes', attempts: 2, escalated: { because: 'rejected' } })
    expect(kept).toMatchObject({
      value: 'kept',
      escalated: { from: 'kept', reason: { code: 'invalid_result' } },
    })
    expect(stream.stats.escalation).toMatchObject({ records: 3, changed: 0, rescued: 1 })
  })

  it('counts the cost of each step by its prices, and in the totals', async () => {
    const client = serverOf(String)
    const escalate = { model: STRONG, when: endsIn7, pricing: { input: 10, output: 100 } }
    const stream = stringStream(client, { pricing: { input: 1, output: 2 }, escalate, maxPackRecords: 10 })
    await collect(stream, texts(20))
    const { escalation, cost, tokens, requests } = stream.stats
    const [weak, strong] = [callsOf(client, WEAK).length, callsOf(client, STRONG).length]
    // Each answer has 100 tokens of input and 10 of output.
    expect(escalation).toMatchObject({
      requests: strong,
      tokens: { input: 100 * strong, output: 10 * strong },
    })
    expect(escalation?.cost).toBeCloseTo((strong * 2_000) / 1e6, 12)
    expect(cost).toBeCloseTo((weak * 120 + strong * 2_000) / 1e6, 12)
    expect(tokens.input).toBe(100 * requests)
  })

  it('names the step in the events of its requests', async () => {
    const client = serverOf(String)
    const stream = stringStream(client, { escalate: { model: STRONG, when: endsIn7 } })
    const seen: RequestStartEvent[] = []
    const listen = (event: unknown): void => {
      if ((event as RequestStartEvent).stream === stream) seen.push(event as RequestStartEvent)
    }
    const events = channel('llm-pack-stream:request:start')
    events.subscribe(listen)
    onTestFinished(() => {
      events.unsubscribe(listen)
    })
    await collect(stream, texts(20))
    expect(seen.map(({ request }) => request)).toEqual(seen.map((_, at) => at + 1))
    for (const { isEscalated, model } of seen) expect(isEscalated).toBe(model === STRONG)
    expect(seen.some(({ isEscalated }) => isEscalated)).toBe(true)
  })

  it('stores the final value, and asks again what a new `when` refuses', async () => {
    const cache = new Map<string, string>()
    const client = serverOf(String)
    const run = (when?: typeof endsIn7) =>
      collect(stringStream(client, { cache, ...(when && { escalate: { model: STRONG, when } }) }), texts(10))
    await run(endsIn7)
    const calls = client.calls.length
    const again = sorted(await run(endsIn7))
    expect(client.calls).toHaveLength(calls)
    expect(again.map((one) => one.status === 'fulfilled' && one.value)[7]).toBe('text 7!')
    await run((_, value) => value.endsWith('3'))
    expect(askedBy(client, STRONG)).toEqual(['text 7', 'text 3'])
    // Without a second step, the value of the second step is no answer.
    const plain = sorted(await run())
    expect(plain[7]).toMatchObject({ value: 'text 7', attempts: 1 })
  })

  it('gives twins the final value', async () => {
    const client = serverOf(String)
    const options = { cache: new Map(), escalate: { model: STRONG, when: endsIn7 } }
    const outcomes = await collect(stringStream(client, options), ['a7', 'b', 'a7'])
    const values = sorted(outcomes).map((one) => one.status === 'fulfilled' && one.value)
    expect(values).toEqual(['a7!', 'b', 'a7!'])
    expect(askedBy(client, STRONG)).toEqual(['a7'])
  })

  it('fails with the error that `when` throws, and for another result than a boolean', async () => {
    const fail = (when: unknown) =>
      collect(stringStream(serverOf(String), { escalate: { model: STRONG, when } as never }), ['a'])
    const broken = (): boolean => {
      throw new Error('No rule')
    }
    await expect(fail(broken)).rejects.toThrow('No rule')
    await expect(fail(() => Promise.resolve(false))).rejects.toThrow(
      '`escalate.when` to return true or false',
    )
  })

  it.each<[option: string, options: Options, said: string]>([
    ['escalate', { escalate: {} }, 'at least one of client, model'],
    ['escalate.votes', { escalate: { votes: 3 } as never }, 'no option `escalate.votes`'],
    [
      'escalate.pricing',
      { escalate: { model: 'n' }, pricing: { input: 1, output: 1 } },
      'got only `pricing`',
    ],
    [
      'escalate.pricing',
      { escalate: { model: 'n', pricing: { input: 1, output: 1 } } },
      'got only `escalate',
    ],
  ])('refuses %s: %j', (option, options, said) => {
    expect(() => stringStream(serverOf(String), options)).toThrow(
      expect.objectContaining({ option, message: expect.stringContaining(said) as string }) as Error,
    )
  })

  it.each<[escalate: Options['escalate'], shared: boolean]>([
    [{ maxPackRecords: 1 }, true],
    [{ model: 'm', request: {} }, true],
    [{ model: STRONG }, false],
    [{ client: serverOf(String) }, false],
    [{ model: STRONG, limiter: LIMITER }, true],
  ])('%j shares the limiter: %s', (escalate, shared) => {
    const base = { client: serverOf(String), model: 'm', instructions: '', schema: z.string() }
    const resolved = resolveOptions({ ...base, limiter: LIMITER, escalate })
    expect(resolved.escalate?.options.limiter === LIMITER).toBe(shared)
  })
})

describe('the promises with escalate', () => {
  it('hold under every plan of faults', async () => {
    await fc.assert(
      fc.asyncProperty(
        plan,
        fc.integer({ min: 0, max: 40 }),
        fc.record({
          ...streamOptions,
          linger: fc.constantFrom(0, 1, 10_000),
          votes: fc.constantFrom(undefined, 2, 3),
          audit: fc.constantFrom(undefined, { share: 0.3 }),
        }),
        fc.record({
          twins: fc.boolean(),
          part: fc.integer({ min: 1, max: 5 }),
          second: fc.constantFrom(
            { model: STRONG },
            { maxPackRecords: 1 },
            { model: STRONG, maxPackRecords: 3 },
          ),
        }),
        async (faultPlan, count, options, { twins, part, second }) => {
          const when = (record: string): boolean => record.length % part === 0
          const client = scriptedClient((call): Answer => {
            const fault = faultPlan[call.number]
            return fault ? faulty(call, fault) : echo(call)
          })
          const input = texts(count).map((text, i) => (twins && i % 5 === 0 ? 'twin' : text))
          const all = { ...options, ...(twins && { cache: new Map() }), escalate: { ...second, when } }
          const stream = stringStream(client, all)
          const outcomes = await inNoTime(() => collect(stream, input))
          const indexes = outcomes.map(({ index }) => index)
          expect(indexes.toSorted((a, b) => a - b)).toEqual(input.map((_, i) => i))
          if (options.preserveOrder) expect(indexes).toEqual(indexes.toSorted((a, b) => a - b))
          const values = outcomes.filter((outcome) => outcome.status === 'fulfilled')
          for (const { record, index, value, escalated, attempts } of values) {
            expect(record).toBe(input[index])
            // In that fault, the model itself writes a result under the id of another record.
            if (!faultPlan.some(({ kind }) => kind === 'swapped id')) {
              expect([record, 'again']).toContain(value)
            }
            if (attempts > 0 && when(record)) expect(escalated).toBeDefined()
          }
          const { records, tokens, requests, escalation } = stream.stats
          const rejected = count - values.length
          expect(records).toEqual({ read: count, fulfilled: values.length, rejected, unsettled: 0 })
          expect(requests).toBe(client.calls.length)
          const wasted = Object.values(tokens.wasted).reduce((sum, each) => sum + each, 0)
          expect(tokens.used + wasted).toBe(tokens.input + tokens.output)
          expect(escalation?.tokens.input).toBeLessThanOrEqual(tokens.input)
        },
      ),
      { numRuns: runs(100) },
    )
  })

  it('ask() gets the final outcome, and flush() is enough', async () => {
    const client = serverOf(String)
    const stream = stringStream(client, { maxPackRecords: 5, escalate: { model: STRONG, when: () => true } })
    const asked = texts(10).map((text) => stream.ask(text))
    stream.flush()
    const outcomes = await Promise.all(asked)
    expect(outcomes.map((one) => one.status === 'fulfilled' && one.value)).toEqual(
      texts(10).map((one) => `${one}!`),
    )
    expect(callsOf(client, STRONG)).toHaveLength(2)
    stream.destroy()
  })

  it('after stop(), a record without its second answer is unsettled', async () => {
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => {
      await opened
      return echo(call)
    })
    const options = { maxPackRecords: 5, maxInFlight: 2, escalate: { model: STRONG, when: endsIn7 } }
    const stream = stringStream(client, options)
    const ended = collect(stream, texts(10))
    await settle()
    stream.stop()
    open()
    await expect(ended).rejects.toMatchObject({ code: 'stopped', unsettled: 1 })
    expect(callsOf(client, STRONG)).toHaveLength(0)
  })

  it('destroy() aborts the requests of both steps', async () => {
    const client = scriptedClient((call) =>
      isStrong(call) ? new Promise<never>(() => undefined) : echo(call),
    )
    const stream = stringStream(client, { maxPackRecords: 5, escalate: { model: STRONG, when: () => true } })
    const asked = stream.ask('a')
    stream.flush()
    await settle()
    const [call] = callsOf(client, STRONG)
    expect(call?.signal.aborted).toBe(false)
    stream.destroy()
    await expect(asked).rejects.toThrow('destroyed')
    expect(call?.signal.aborted).toBe(true)
  })

  it('maxCost holds over both steps, whatever they cost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          maxPackRecords: fc.integer({ min: 1, max: 9 }),
          maxInFlight: fc.integer({ min: 1, max: 4 }),
          maxCost: fc.constantFrom(0.001, 0.005, 0.02),
        }),
        fc.constantFrom({ model: STRONG }, { maxPackRecords: 1 }, { model: STRONG, maxPackRecords: 3 }),
        fc.constantFrom(0.1, 1, 5),
        fc.boolean(),
        async (options, second, price, hasLimits) => {
          // A server keeps to the cap, and counts a prompt by its text.
          const client = scriptedClient((call) => ({
            ...echo(call),
            usage: {
              input: Math.round(JSON.stringify(call.body.messages).length / 4),
              output: Math.min(10, call.body.max_completion_tokens ?? 10),
            },
          }))
          const stream = stringStream(client, {
            ...{ ...options, pricing: { input: 1, output: 1 } },
            limiter: new RateLimiter(hasLimits ? { requestsPerMinute: 6_000 } : {}),
            escalate: { ...second, when: () => true, pricing: { input: price, output: price } },
          })
          const error = await inNoTime(() => collect(stream, texts(2_000)).catch((reason: unknown) => reason))
          expect(error).toMatchObject({ code: 'max_cost_reached' })
          expect(stream.stats.cost).toBeLessThanOrEqual(options.maxCost * (1 + 1e-9))
          expect(stream.stats.requests).toBe(client.calls.length)
        },
      ),
      { numRuns: runs(50) },
    )
  })

  it('fails if the second step can never succeed', async () => {
    const client = scriptedClient((call) => {
      if (isStrong(call)) throw Object.assign(new Error('401'), { status: 401 })
      return echo(call)
    })
    const stream = stringStream(client, { escalate: { model: STRONG, when: endsIn7 } })
    const ended = collect(stream, texts(50))
    await expect(ended).rejects.toMatchObject({ name: 'PackStreamError' })
  })

  it('a slow second step holds the input back', async () => {
    const { opened, open } = gate()
    const client = scriptedClient(async (call) => {
      if (isStrong(call)) await opened
      return echo(call)
    })
    const options = { maxPackRecords: 5, maxInFlight: 2, escalate: { model: STRONG, when: () => true } }
    const stream = stringStream(client, options)
    const ended = collect(stream, texts(1_000))
    await settle()
    await settle()
    await settle()
    expect(stream.stats.records.read).toBeLessThan(100)
    open()
    expect(await ended).toHaveLength(1_000)
  })
})
