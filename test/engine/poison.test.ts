import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Outcome } from 'llm-pack-stream'
import type { Entry } from '../../src/record/entry.ts'
import { RequestError } from '../../src/record/errors.ts'
import { PackQueue } from '../../src/packing/pack-queue.ts'
import { recover } from '../../src/engine/recovery.ts'
import type { RequestEnd } from '../../src/answer/request-end.ts'
import { collect, inNoTime, stringStream } from '../helpers/collect.ts'
import { entryOf } from '../helpers/entry.ts'
import { isSoak, runs } from '../helpers/properties.ts'
import { answerOf, scriptedClient, type Answer, type Call } from '../helpers/scripted-client.ts'

/** Number of halvings until each record of a pack of this size is alone. */
const halvings = (size: number): number => Math.ceil(Math.log2(size))

const error = new RequestError('api_error', 'x')
const GUILTY = {
  refusal: { kind: 'refusal', refusal: undefined },
  content_filter: { kind: 'content_filter', error },
  context: { kind: 'context', error },
  refused_request: { kind: 'refused_request', isSilent: false, code: 'bad_request', message: 'x', error },
  too_large: { kind: 'too_large', error },
} satisfies Record<string, RequestEnd>
type Guilty = keyof typeof GUILTY

/**
 * The end of a request that hides which record is guilty. It is the same for every record of the
 * pack.
 */
const TROUBLE = {
  rate_limit: { kind: 'rate_limit', headers: undefined, error },
  failure: { kind: 'failure', retryAfter: undefined, error },
} satisfies Record<string, RequestEnd>

interface Sent {
  readonly request: number
  readonly pack: readonly number[]
  readonly end: RequestEnd['kind']
  readonly fulfilled: readonly number[]
  readonly rejected: readonly number[]
}

interface World {
  readonly maxRecords: number
  readonly maxInFlight?: number
  /** Indices of the records that are refused. */
  readonly poisons: ReadonlySet<number>
  readonly guilt?: Guilty
  /**
   * Records that are answered before a guilty record is found: all records before the first guilty
   * record.
   */
  readonly isStreamed?: boolean
  /** Chooses the request in flight that ends next. */
  readonly pick?: (inFlight: number) => number
  /** Whether a request fails for a reason outside its records. */
  readonly trouble?: (request: number) => keyof typeof TROUBLE | undefined
  /** Number of records at the end of a complete answer without an element. */
  readonly missing?: (request: number, entries: readonly Entry<string>[]) => number
}

/**
 * Returns the requests for this number of records, made by the queue and the recovery table alone.
 */
function simulate(entries: readonly Entry<string>[], world: World): Sent[] {
  const { maxRecords, maxInFlight = 1, poisons, guilt = 'refusal', pick = () => 0 } = world
  const queue = new PackQueue<string>({ maxTokens: 1e9, maxItems: maxRecords }, 1, 1e9)
  for (const entry of entries) queue.add(entry, 0)
  queue.flush(0)
  const all: Sent[] = []
  const inFlight: { request: number; pack: readonly Entry<string>[] }[] = []
  for (let request = 1; ;) {
    for (let next = queue.peek(0); next && inFlight.length < maxInFlight; next = queue.peek(0)) {
      for (const entry of next.pack) entry.attempts += 1
      inFlight.push({ request: request++, pack: next.pack })
      queue.drop()
    }
    if (inFlight.length === 0) return all
    const [run] = inFlight.splice(pick(inFlight.length), 1)
    if (!run) throw new Error('Nothing was picked')
    const { pack } = run
    const trouble = world.trouble?.(run.request)
    const guiltyAt = pack.findIndex(({ index }) => poisons.has(index))
    const end: RequestEnd = trouble ? TROUBLE[trouble] : guiltyAt >= 0 ? GUILTY[guilt] : { kind: 'complete' }
    const isWhole = end.kind === 'complete'
    const settled = isWhole
      ? pack.length - Math.min(pack.length, world.missing?.(run.request, pack) ?? 0)
      : !trouble && world.isStreamed
        ? guiltyAt
        : 0
    const left = pack.slice(settled)
    const rejected = left.filter((entry) =>
      recover(entry, end, { request: run.request, size: pack.length }, settled),
    )
    queue.addAgain(left.filter((entry) => !rejected.includes(entry)))
    const indexes = (some: readonly Entry<string>[]) => some.map(({ index }) => index)
    all.push({
      ...{ request: run.request, pack: indexes(pack), end: end.kind },
      ...{ fulfilled: indexes(pack.slice(0, settled)), rejected: indexes(rejected) },
    })
    if (all.length > 10_000) throw new Error('It does not end')
  }
}

const entriesOf = (count: number, maxCompany = count) =>
  Array.from({ length: count }, (_, index) => entryOf(index, { maxCompany }))

/** Number of requests that carried each record. */
function carried(all: readonly Sent[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const { pack } of all) for (const index of pack) counts.set(index, (counts.get(index) ?? 0) + 1)
  return counts
}

/**
 * Number of requests that ended because of a guilty record, and carried other records than the
 * records of its first request.
 */
function drawnIn(all: readonly Sent[]): Sent[] {
  const first = new Map<number, Sent>()
  for (const one of [...all].sort((a, b) => a.request - b.request)) {
    for (const index of one.pack) if (!first.has(index)) first.set(index, one)
  }
  const isSearch = ({ end }: Sent): boolean => end in GUILTY
  return all.filter((one) => isSearch(one) && new Set(one.pack.map((index) => first.get(index))).size > 1)
}

const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/**
 * Checks that each record has one outcome, and that only the guilty records are rejected, alone.
 */
function expectJustice(all: readonly Sent[], count: number, poisons: ReadonlySet<number>): void {
  const rejected = all.flatMap((one) => one.rejected)
  expect(sorted([...all.flatMap(({ fulfilled }) => fulfilled), ...rejected])).toEqual(upTo(count))
  expect(sorted(rejected)).toEqual(sorted([...poisons]))
  for (const one of all) if (one.rejected.length > 0) expect(one.pack).toHaveLength(1)
}

/** Returns the next value of an endless stream. */
const drawn = (numbers: Iterator<number, unknown>): number => Number(numbers.next().value)

/** All sizes in the soak. Otherwise powers of two, their neighbours, and a few sizes in between. */
const SIZES = isSoak ? upTo(65).slice(2) : [2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 25, 31, 32, 33, 50, 63, 64]

describe.each(Object.keys(GUILTY) as Guilty[])('one record that causes %s, by the tables alone', (guilt) => {
  describe.each([1, 8])('with %i in flight', (maxInFlight) => {
    it.each(SIZES)('in a pack of %i: it is found in two requests per halving, at any place', (size) => {
      for (const at of upTo(size)) {
        const poisons = new Set([at])
        const all = simulate(entriesOf(size), { maxRecords: size, maxInFlight, poisons, guilt })
        expectJustice(all, size, poisons)
        expect(all.length - 1).toBeLessThanOrEqual(2 * halvings(size))
        expect(Math.max(...carried(all).values())).toBeLessThanOrEqual(halvings(size) + 1)
        // Each halving is useful: no request carries the same records as another request.
        expect(new Set(all.map(({ pack }) => pack.join())).size).toBe(all.length)
      }
    })
  })

  it.each(SIZES)(
    'in a pack of %i whose answer had begun: it is found in no more requests, because closed elements stay',
    (size) => {
      for (const at of upTo(size)) {
        const poisons = new Set([at])
        const all = simulate(entriesOf(size), { maxRecords: size, poisons, guilt, isStreamed: true })
        expectJustice(all, size, poisons)
        expect(all.length - 1).toBeLessThanOrEqual(2 * halvings(size))
        expect(Math.max(...carried(all).values())).toBeLessThanOrEqual(halvings(size) + 1)
      }
    },
  )
})

it('the bound is exact', () => {
  const worst = (size: number): number =>
    Math.max(
      ...upTo(size).map(
        (at) => simulate(entriesOf(size), { maxRecords: size, poisons: new Set([at]) }).length - 1,
      ),
    )
  expect([2, 4, 8, 16, 25, 32, 64].map(worst)).toEqual([2, 4, 6, 8, 10, 10, 12])
})

describe('several guilty records', () => {
  const world = fc
    .record({
      count: fc.integer({ min: 1, max: 120 }),
      maxRecords: fc.integer({ min: 1, max: 64 }),
      maxInFlight: fc.constantFrom(1, 2, 8),
      guilt: fc.constantFrom(...(Object.keys(GUILTY) as Guilty[])),
      isStreamed: fc.boolean(),
      poisons: fc.array(fc.nat(119), { maxLength: 12 }),
      picks: fc.infiniteStream(fc.nat(7)),
    })
    .map(({ poisons, picks, ...rest }) => ({
      ...rest,
      poisons: new Set(poisons.filter((index) => index < rest.count)),
      pick: (inFlight: number) => drawn(picks) % inFlight,
    }))

  it('are found in two requests per halving each, in any order of answers, beside any number of packs', () => {
    fc.assert(
      fc.property(world, (one) => {
        const { count, maxRecords, poisons } = one
        const all = simulate(entriesOf(count, maxRecords), one)
        expectJustice(all, count, poisons)
        const packs = Math.ceil(count / maxRecords)
        expect(all.length).toBeLessThanOrEqual(packs + poisons.size * 2 * halvings(maxRecords))
        expect(Math.max(...carried(all).values())).toBeLessThanOrEqual(halvings(maxRecords) + 1)
      }),
      { numRuns: runs(500) },
    )
  })

  it('all records of a pack: each is alone in the end', () => {
    const poisons = new Set(upTo(16))
    const all = simulate(entriesOf(16), { maxRecords: 16, poisons })
    expectJustice(all, 16, poisons)
    expect(all).toHaveLength(2 * 16 - 1)
  })

  it('rate limits and failures in between cause no delay and no more requests', () => {
    fc.assert(
      fc.property(world, fc.infiniteStream(fc.nat(9)), (one, dice) => {
        const { count, maxRecords, poisons } = one
        let troubles = 0
        const failing = new Set<number>()
        const trouble = (request: number): keyof typeof TROUBLE | undefined => {
          const die = drawn(dice)
          // A few failures, so that no record runs out of attempts.
          if (die > 1 || troubles >= 20) return undefined
          troubles += 1
          if (die === 0 || failing.size > 0) return 'rate_limit'
          failing.add(request)
          return 'failure'
        }
        const all = simulate(entriesOf(count, maxRecords), { ...one, trouble })
        expectJustice(all, count, poisons)
        const packs = Math.ceil(count / maxRecords)
        expect(drawnIn(all)).toEqual([])
        const counted = all.filter(({ end }) => end !== 'rate_limit' && end !== 'failure')
        expect(counted.length).toBeLessThanOrEqual(packs + poisons.size * 2 * halvings(maxRecords))
        expect(Math.max(0, ...carried(counted).values())).toBeLessThanOrEqual(halvings(maxRecords) + 1)
      }),
      { numRuns: runs(500) },
    )
  })

  it('leftovers of other packs are not drawn into a search', () => {
    fc.assert(
      fc.property(world, fc.infiniteStream(fc.nat(9)), (one, dice) => {
        const { count, maxRecords, poisons } = one
        // Answers that leave out up to two elements, except for records of the search.
        const missing = (_request: number, pack: readonly Entry<string>[]): number =>
          pack.every(({ attemptsLeft }) => attemptsLeft > 1) ? Math.max(0, drawn(dice) - 7) : 0
        const all = simulate(entriesOf(count, maxRecords), { ...one, missing })
        expectJustice(all, count, poisons)
        expect(drawnIn(all)).toEqual([])
      }),
      { numRuns: runs(500) },
    )
  })
})

describe('a guilty record in a stream', () => {
  const isGuilty = (text: string): boolean => text.startsWith('poison')
  const isPoisoned = (call: Call): boolean => call.records.some(({ text }) => isGuilty(text))
  const fail = (fields: object): never => {
    throw Object.assign(new Error('no'), fields)
  }
  /** The elements before the first guilty record. The answer stops there. */
  const begun = (call: Call): string => {
    const at = call.records.findIndex(({ text }) => isGuilty(text))
    const before = { ...call, records: call.records.slice(0, at) }
    return answerOf(before, ({ text }) => text).replace(/\]\}$/, '')
  }
  const servers: Record<string, { code: string; answer: (call: Call) => Answer }> = {
    'a refusal': { code: 'refused', answer: () => ({ refusal: 'No.' }) },
    'a filter that stops the answer': {
      code: 'content_filtered',
      answer: (call) => ({ text: begun(call), finishReason: 'content_filter' }),
    },
    'a filter that refuses the prompt': {
      code: 'content_filtered',
      answer: () => fail({ status: 400, code: 'content_filter' }),
    },
    'an overlong prompt': {
      code: 'context_length_exceeded',
      answer: () => fail({ status: 400, code: 'context_length_exceeded' }),
    },
  }

  const run = async (
    count: number,
    poisons: readonly number[],
    server: keyof typeof servers,
    maxInFlight: number,
    maxPackRecords = count,
  ): Promise<{ outcomes: Outcome<string, string>[]; calls: readonly Call[]; read: readonly number[] }> => {
    const client = scriptedClient((call) =>
      isPoisoned(call)
        ? servers[server]!.answer(call)
        : { text: answerOf(call, ({ text }) => text), usage: { input: 50, output: 10 } },
    )
    const stream = stringStream(client, { maxPackRecords, maxInFlight, maxPackTokens: 100_000 })
    const records = upTo(count).map((i) => (poisons.includes(i) ? `poison ${i}` : `text ${i}`))
    const outcomes = await inNoTime(() => collect(stream, records))
    const times = records.map(
      (record) => client.calls.filter((call) => call.records.some(({ text }) => text === record)).length,
    )
    return { outcomes, calls: client.calls, read: times }
  }

  const cases = Object.keys(servers).flatMap((server) =>
    [1, 8].flatMap((maxInFlight) => [2, 3, 7, 25, 64].map((size) => [server, size, maxInFlight] as const)),
  )

  it.each(cases)('%s in a pack of %i with %i in flight', async (server, size, maxInFlight) => {
    for (const at of new Set([0, Math.floor(size / 2), size - 1])) {
      const { outcomes, calls, read } = await run(size, [at], server, maxInFlight)
      expect(sorted(outcomes.map(({ index }) => index))).toEqual(upTo(size))
      const rejected = outcomes.filter((outcome) => outcome.status === 'rejected')
      expect(rejected).toMatchObject([
        { index: at, reason: { code: servers[server]!.code }, pack: { size: 1, position: 1 } },
      ])
      expect(rejected[0]?.attempts).toBe(read[at])
      expect(calls.length - 1).toBeLessThanOrEqual(2 * halvings(size))
      expect(Math.max(...read)).toBeLessThanOrEqual(halvings(size) + 1)
    }
  })

  it.each([400, 403, 422])(
    'a prompt that is refused with %i after other prompts were accepted',
    async (status) => {
      const client = scriptedClient((call) =>
        isPoisoned(call) ? fail({ status }) : { text: answerOf(call, ({ text }) => text) },
      )
      const stream = stringStream(client, { maxPackRecords: 16, maxInFlight: 1, maxPackTokens: 100_000 })
      const records = upTo(48).map((i) => (i === 20 ? 'poison' : `text ${i}`))
      const outcomes = await inNoTime(() => collect(stream, records))
      expect(sorted(outcomes.map(({ index }) => index))).toEqual(upTo(48))
      expect(outcomes.filter((outcome) => outcome.status === 'rejected')).toMatchObject([
        { index: 20, reason: { code: 'request_failed', cause: { status } }, pack: { size: 1 } },
      ])
      expect(client.calls.length).toBeLessThanOrEqual(3 + 2 * halvings(16))
    },
  )

  it.each([1, 8])('several in several packs, with %i in flight', async (maxInFlight) => {
    const poisons = [3, 4, 21, 60, 99]
    const { outcomes, calls, read } = await run(100, poisons, 'a refusal', maxInFlight, 20)
    expect(sorted(outcomes.map(({ index }) => index))).toEqual(upTo(100))
    const rejected = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(sorted(rejected.map(({ index }) => index))).toEqual(poisons)
    for (const { pack } of rejected) expect(pack?.size).toBe(1)
    expect(calls.length).toBeLessThanOrEqual(5 + poisons.length * 2 * halvings(20))
    expect(Math.max(...read)).toBeLessThanOrEqual(halvings(20) + 1)
  })
})
