import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Usage } from '../../src/api/answer.ts'
import { RecordError, RequestError, type RequestErrorCode } from '../../src/record/errors.ts'
import type { RequestEnd } from '../../src/answer/request-end.ts'
import { Ledger } from '../../src/accounts/ledger.ts'
import type { FinishedRequest } from '../../src/answer/finished-request.ts'
import { wasteCauses, type Pricing, type Stats } from '../../src/accounts/stats.ts'
import { entryOf } from '../helpers/entry.ts'
import { runs } from '../helpers/properties.ts'

const error = new RequestError('api_error', 'x')
const ENDS = {
  complete: { kind: 'complete' },
  length: { kind: 'length', isFinal: false, isChosen: false },
  refusal: { kind: 'refusal', refusal: 'No.' },
  content_filter: { kind: 'content_filter', error: undefined },
  context: { kind: 'context', error },
  refused_request: { kind: 'refused_request', isSilent: false, code: 'bad_request', message: 'x', error },
  too_large: { kind: 'too_large', error },
  rate_limit: { kind: 'rate_limit', headers: undefined, error },
  cap_refused: { kind: 'cap_refused', error },
  stray: { kind: 'stray', error },
  form_refused: { kind: 'form_refused', error },
  failure: { kind: 'failure', retryAfter: undefined, error },
  fatal: { kind: 'fatal', code: 'bad_request', message: 'x', error },
} satisfies { [K in RequestEnd['kind']]: RequestEnd & { kind: K } }
const kinds = Object.keys(ENDS) as (keyof typeof ENDS)[]

const usage = (input: number, output: number, cached = 0, reasoning = 0): Usage => ({
  input,
  output,
  cached,
  reasoning,
})

const NOTHING = { fulfilled: 0, invalid: 0, repeated: 0, unknown: 0, unfinished: 0 }

interface Finished {
  readonly end?: RequestEnd
  readonly usage?: Usage
  /** Whether the API counted no usage. */
  readonly isEstimate?: boolean
  /** Tokens of the pack's records, grouped by result. */
  readonly fulfilled?: readonly number[]
  readonly invalid?: readonly number[]
  readonly undone?: readonly number[]
  readonly characters?: Partial<typeof NOTHING>
  readonly elements?: number
}

function finish(ledger: Ledger, finished: Finished): void {
  const { end = ENDS.complete, fulfilled = [], invalid = [], undone = [], elements = 0 } = finished
  const counted = finished.usage ?? usage(0, 0)
  const unsettled = [
    ...invalid.map((tokens) => entryOf(0, { tokens, invalid: new RecordError('invalid_result', '') })),
    ...undone.map((tokens) => entryOf(0, { tokens })),
  ]
  const run = {
    ...{
      end,
      usage: finished.isEstimate ? undefined : counted,
      hasBegun: true,
      isUsageEarly: false,
      firstToken: 0,
      responseId: 'x',
    },
    ...{
      events: { text: 0, thought: 0 },
      elements,
      hasStrayId: false,
      isWrapped: false,
      raw: '',
      characters: { ...NOTHING, ...finished.characters },
    },
    unsettled: unsettled.map((entry) => ({
      entry,
      info: { request: 1, responseId: 'x', position: 1, size: 1 },
    })),
  } satisfies FinishedRequest<unknown>
  ledger.finished([...fulfilled.map((tokens) => entryOf(0, { tokens })), ...unsettled], run, counted)
}

function statsOf(finished: Finished, pricing?: Pricing): Stats {
  const ledger = new Ledger(pricing)
  finish(ledger, finished)
  return ledger.snapshot(0, 0)
}

const wastedOf = (stats: Stats): Partial<Record<string, number>> =>
  Object.fromEntries(Object.entries(stats.tokens.wasted).filter(([, tokens]) => tokens !== 0))
const totalWaste = (stats: Stats): number =>
  Object.values(stats.tokens.wasted).reduce((sum, tokens) => sum + tokens, 0)

describe('records', () => {
  it('are numbered as they are read, and add up', () => {
    const ledger = new Ledger(undefined)
    expect([ledger.read(), ledger.read(), ledger.read()]).toEqual([0, 1, 2])
    ledger.settled('fulfilled')
    ledger.settled('rejected')
    expect(ledger.snapshot(0, 0).records).toEqual({ read: 3, fulfilled: 1, rejected: 1, unsettled: 1 })
    expect(ledger.recordsRead).toBe(3)
    expect(ledger.unsettled).toBe(1)
  })

  it.each(['fulfilled', 'rejected'] as const)('an unread record cannot be %s', (status) => {
    const ledger = new Ledger(undefined)
    expect(() => {
      ledger.settled(status)
    }).toThrow(`A record was ${status}, but none is unsettled`)
    ledger.read()
    ledger.settled('fulfilled')
    expect(() => {
      ledger.settled(status)
    }).toThrow()
    expect(ledger.snapshot(0, 0).records).toEqual({ read: 1, fulfilled: 1, rejected: 0, unsettled: 0 })
  })
})

describe('requests', () => {
  it('are numbered from 1, first sends and retries together', () => {
    const ledger = new Ledger(undefined)
    expect([ledger.sent('pack'), ledger.sent('retry'), ledger.sent('pack')]).toEqual([1, 2, 3])
    expect(ledger.snapshot(2, 0)).toMatchObject({ packs: 2, retries: 1, requests: 3, inFlight: 2 })
  })

  it('requests that a rate limit refused are counted', () => {
    const ledger = new Ledger(undefined)
    for (const kind of kinds) finish(ledger, { end: ENDS[kind], undone: [1] })
    expect(ledger.snapshot(0, 0).rateLimited).toBe(2)
  })

  it('elements are counted by their fault; missing records are counted only in complete answers', () => {
    const ledger = new Ledger(undefined)
    ledger.element('invalid')
    ledger.element('repeated')
    ledger.element('repeated')
    ledger.element('unknown')
    finish(ledger, { end: ENDS.complete, undone: [1, 1], invalid: [1] })
    finish(ledger, { end: ENDS.failure, undone: [1, 1, 1] })
    expect(ledger.snapshot(0, 0).elements).toEqual({ invalid: 1, repeated: 2, unknown: 1, missing: 2 })
  })
})

describe('the cache', () => {
  it('counts records without a request, and failures of the store', () => {
    const ledger = new Ledger(undefined)
    ledger.cached('hits')
    ledger.cached('hits')
    ledger.cached('shared')
    expect(ledger.snapshot(0, 5).cache).toEqual({ hits: 2, shared: 1, failures: 5 })
    expect(ledger.snapshot(0, 0).requests).toBe(0)
  })
})

describe('a snapshot', () => {
  it('is deeply frozen, and does not change with the ledger', () => {
    const ledger = new Ledger({ input: 1, output: 1 })
    const before = ledger.snapshot(0, 0)
    ledger.read()
    ledger.element('unknown')
    finish(ledger, { usage: usage(10, 10), end: ENDS.failure })
    expect(before).toMatchObject({
      records: { read: 0 },
      elements: { unknown: 0 },
      tokens: { input: 0 },
      cost: 0,
    })
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(frozen))
    expect(frozen(before)).toBe(true)
  })
})

describe('tokens that bought nothing', () => {
  const all = { fulfilled: [10, 10], characters: { fulfilled: 100, unfinished: 20 }, elements: 2 }

  it('are 0 if every record was settled, also with text around the elements', () => {
    expect(wastedOf(statsOf({ ...all, usage: usage(1_000, 100) }))).toEqual({})
  })

  it('are shared out by the size of the records and the length of the elements', () => {
    const stats = statsOf({
      ...{ usage: usage(1_000, 100), fulfilled: [50], invalid: [30], undone: [20], elements: 2 },
      characters: { fulfilled: 80, invalid: 20, unfinished: 15 },
    })
    expect(wastedOf(stats)).toEqual({ invalid: 300 + 20, missing: 200 })
  })

  it('repeated and unknown elements waste their share of the answer', () => {
    const stats = statsOf({
      ...{ usage: usage(1_000, 100), fulfilled: [50], elements: 3 },
      characters: { fulfilled: 50, repeated: 30, unknown: 20 },
    })
    expect(wastedOf(stats)).toEqual({ repeated: 30, unknown: 20 })
  })

  const failed = (code: RequestErrorCode): RequestEnd => {
    return { kind: 'failure', retryAfter: undefined, error: new RequestError(code, 'x') }
  }

  it.each<[string, RequestEnd, string]>([
    ['length', ENDS.length, 'length'],
    ['refusal', ENDS.refusal, 'refusal'],
    ['content_filter', ENDS.content_filter, 'content_filter'],
    ['context', ENDS.context, 'failure'],
    ['refused_request', ENDS.refused_request, 'failure'],
    ['too_large', ENDS.too_large, 'failure'],
    ['cap_refused', ENDS.cap_refused, 'failure'],
    ['form_refused', ENDS.form_refused, 'failure'],
    ['fatal', ENDS.fatal, 'failure'],
    ['rate_limit', ENDS.rate_limit, 'failure'],
    ['first_token_timeout', failed('first_token_timeout'), 'timeout'],
    ['idle_timeout', failed('idle_timeout'), 'timeout'],
    ['request_timeout', failed('request_timeout'), 'timeout'],
    ['runaway', failed('runaway'), 'runaway'],
    ['connection', failed('connection'), 'failure'],
    ['cut_short', failed('cut_short'), 'failure'],
    ['not_json', failed('not_json'), 'failure'],
    ['not_a_stream', failed('not_a_stream'), 'failure'],
    ['api_error', failed('api_error'), 'failure'],
  ])('%s: the share of unsettled records is wasted', (_name, end, cause) => {
    const stats = statsOf({
      ...{ end, usage: usage(1_000, 100), fulfilled: [75], undone: [25], elements: 1 },
      characters: { fulfilled: 90, unfinished: 10 },
    })
    expect(wastedOf(stats)).toEqual({ [cause]: 250 + 10 })
    expect(stats.tokens.used).toBe(750 + 90)
  })

  it.each(['complete', 'length', 'failure'] as const)(
    '%s: without a closed element, the whole answer is wasted, reasoning included',
    (kind) => {
      const stats = statsOf({ end: ENDS[kind], usage: usage(1_000, 100, 0, 100), undone: [10, 10] })
      expect(totalWaste(stats)).toBe(1_100)
      expect(stats.tokens.used).toBe(0)
    },
  )

  // If each part were rounded by itself, one token of five parts would be wasted five times.
  it('one token is wasted once', () => {
    const stats = statsOf({
      ...{ usage: usage(1, 1), invalid: [1], undone: [1], elements: 2 },
      characters: { invalid: 1, repeated: 1 },
    })
    expect(totalWaste(stats)).toBe(2)
    expect(stats.tokens.used).toBe(0)
  })

  const size = fc.oneof(fc.nat(3), fc.nat(500))
  const length = fc.oneof(fc.nat(3), fc.nat(5_000))
  const sizes = fc.array(size, { maxLength: 8 })
  const finished = fc.record({
    end: fc.constantFrom(...kinds).map((kind) => ENDS[kind]),
    usage: fc.record({ input: length, output: length, cached: fc.constant(0), reasoning: fc.constant(0) }),
    ...{ fulfilled: sizes, invalid: sizes, undone: sizes, elements: fc.integer({ min: 0, max: 8 }) },
    characters: fc.record({
      ...{ fulfilled: length, invalid: length, repeated: length, unknown: length, unfinished: length },
    }),
    isEstimate: fc.boolean(),
  })

  it('and used tokens add up to all tokens, in whole numbers of at least 0', () => {
    fc.assert(
      fc.property(fc.array(finished, { minLength: 1, maxLength: 5 }), (runs) => {
        const ledger = new Ledger(undefined)
        for (const run of runs) finish(ledger, run)
        const { tokens } = ledger.snapshot(0, 0)
        const spent = runs.reduce((sum, run) => sum + run.usage.input + run.usage.output, 0)
        const parts = [tokens.used, ...wasteCauses.map((cause) => tokens.wasted[cause])]
        expect(tokens.input + tokens.output).toBe(spent)
        expect(parts.reduce((sum, part) => sum + part, 0)).toBe(spent)
        for (const part of parts) {
          expect(Number.isInteger(part)).toBe(true)
          expect(part).toBeGreaterThanOrEqual(0)
        }
      }),
      { numRuns: runs(1_000) },
    )
  })

  it('each cause has its share, with an error of at most one token in the prompt and one in the answer', () => {
    const part = fc.integer({ min: 1, max: 500 })
    fc.assert(
      fc.property(
        fc.tuple(part, part, part),
        fc.tuple(part, part, part, part),
        part,
        part,
        ([done, invalid, undone], [a, b, c, d], input, output) => {
          const { tokens } = statsOf({
            ...{ usage: usage(input, output), fulfilled: [done], invalid: [invalid], undone: [undone] },
            ...{ elements: 4, characters: { fulfilled: a, invalid: b, repeated: c, unknown: d } },
          })
          const [prompt, answer] = [input / (done + invalid + undone), output / (a + b + c + d)]
          const shares = {
            invalid: invalid * prompt + b * answer,
            missing: undone * prompt,
            repeated: c * answer,
            unknown: d * answer,
          }
          expect(Math.abs(tokens.used - done * prompt - a * answer)).toBeLessThanOrEqual(2)
          for (const cause of ['invalid', 'missing', 'repeated', 'unknown'] as const) {
            expect(Math.abs(tokens.wasted[cause] - shares[cause])).toBeLessThanOrEqual(2)
          }
        },
      ),
    )
  })
})

describe('estimated tokens', () => {
  it('are counted both separately and in the totals', () => {
    const ledger = new Ledger(undefined)
    finish(ledger, { usage: usage(100, 10), fulfilled: [1], elements: 1, characters: { fulfilled: 1 } })
    finish(ledger, { usage: usage(200, 20), isEstimate: true, end: ENDS.failure, undone: [1] })
    expect(ledger.snapshot(0, 0).tokens).toMatchObject({ input: 300, output: 30, estimated: 220 })
  })

  it('cached and reasoning tokens are parts of the totals', () => {
    expect(statsOf({ usage: usage(100, 50, 60, 40) }).tokens).toMatchObject({
      input: 100,
      cached: 60,
      output: 50,
      reasoning: 40,
    })
  })
})

describe('cost', () => {
  it('is unknown without prices', () => {
    expect(statsOf({ usage: usage(100, 10) }).cost).toBeUndefined()
  })

  it.each<[string, Pricing, number]>([
    ['input and output', { input: 2, output: 8 }, (1_000_000 * 2 + 500_000 * 8) / 1e6],
    [
      'cached input at its own price',
      { input: 2, cachedInput: 0.5, output: 8 },
      (600_000 * 2 + 400_000 * 0.5 + 500_000 * 8) / 1e6,
    ],
    ['cached input at no cost', { input: 2, cachedInput: 0, output: 8 }, (600_000 * 2 + 500_000 * 8) / 1e6],
    ['nothing', { input: 0, output: 0 }, 0],
  ])('%s', (_name, pricing, cost) => {
    expect(statsOf({ usage: usage(1_000_000, 500_000, 400_000) }, pricing).cost).toBeCloseTo(cost, 10)
  })

  it('adds up over requests', () => {
    const ledger = new Ledger({ input: 1, output: 1 })
    for (let i = 0; i < 10; i++) finish(ledger, { usage: usage(100_000, 0) })
    expect(ledger.snapshot(0, 0).cost).toBeCloseTo(1, 10)
  })
})
