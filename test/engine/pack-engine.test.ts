import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Ledger } from '../../src/accounts/ledger.ts'
import type { RequestEnd } from '../../src/answer/request-end.ts'
import type { Departure } from '../../src/engine/departure.ts'
import { PackEngine, type EngineRules } from '../../src/engine/pack-engine.ts'
import { RateLimiter, type RateLimiterOptions } from '../../src/limits/rate-limiter.ts'
import { RequestError } from '../../src/record/errors.ts'
import { entryOf } from '../helpers/entry.ts'
import { runs } from '../helpers/properties.ts'
import { finishedOf, playSchedule, rulesOf } from '../helpers/schedule.ts'

const error = new RequestError('api_error', 'x')
const COMPLETE: RequestEnd = { kind: 'complete' }
const FAILURE: RequestEnd = { kind: 'failure', retryAfter: 50, error }
const REFUSAL: RequestEnd = { kind: 'refusal', refusal: undefined }
const FATAL: RequestEnd = { kind: 'fatal', code: 'not_authorized', message: 'x', error }
const RATE_LIMIT: RequestEnd = { kind: 'rate_limit', headers: { 'retry-after': '2' }, error }

/** An engine with some records that have come at time 0 and wait for nothing but to leave. */
function engineOf(count: number, rules: Partial<EngineRules> = {}, limits?: RateLimiterOptions) {
  const ledger = new Ledger({ input: 1, output: 1 })
  const woken: number[] = []
  const limiter = new RateLimiter(limits, () => 0)
  const engine = new PackEngine<string>(
    rulesOf(rules),
    ledger,
    limiter,
    () => woken.push(1),
    () => 0,
  )
  for (let i = 0; i < count; i++) engine.add(entryOf(i, { tokens: 4 }), 0)
  engine.endOfInput(0)
  return { engine, ledger, woken, limiter }
}

/** The next request. Fails where the engine has another answer. */
function sent(engine: PackEngine<string>, now = 0): Departure<string> {
  const step = engine.next(now)
  if (step.kind !== 'send') throw new Error(`Expected a request, got ${JSON.stringify(step)}`)
  return step.departure
}

const indexes = ({ pack }: Departure<string>): number[] => pack.map(({ index }) => index)
const ended = (engine: PackEngine<string>, departure: Departure<string>, end: RequestEnd, now = 0) =>
  engine.ended(
    departure,
    finishedOf(departure, end, () => end.kind === 'complete'),
    now,
  )

describe('any schedule', () => {
  it('settles each record once, within the limits, and comes to an end', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { packs, outcomes, ledger, isStopped } = playSchedule(seed)
        if (!isStopped) expect(ledger.unsettled).toBe(0)
        expect(outcomes.size).toBe(ledger.recordsRead - ledger.unsettled)
        expect(ledger.snapshot(0, 0).requests).toBe(packs.length)
      }),
      { numRuns: runs(50_000) },
    )
  })

  it('is the same for the same seed', () => {
    const [one, other] = [playSchedule(7), playSchedule(7)]
    expect(one.packs.map((pack) => pack.map(({ index }) => index))).toEqual(
      other.packs.map((pack) => pack.map(({ index }) => index)),
    )
    expect([...one.outcomes]).toEqual([...other.outcomes])
  })
})

describe('next', () => {
  it('names the time at which the first record has waited long enough', () => {
    const { engine } = engineOf(0, { linger: 100 })
    expect(engine.next(0)).toEqual({ kind: 'wait', until: Infinity })
    engine.add(entryOf(0), 5)
    expect(engine.next(5)).toEqual({ kind: 'wait', until: 105 })
    expect(indexes(sent(engine, 105))).toEqual([0])
  })

  it('sends no more requests than may run at once', () => {
    const { engine } = engineOf(6, { maxPackRecords: 2, maxInFlight: 2 })
    const first = sent(engine)
    sent(engine)
    expect(engine.next(0)).toEqual({ kind: 'wait', until: Infinity })
    expect(engine.inFlight).toBe(2)
    ended(engine, first, COMPLETE)
    expect(indexes(sent(engine))).toEqual([4, 5])
  })

  it('waits for the rate limit, and is woken when it may be over', () => {
    const { engine, woken, limiter } = engineOf(4, { maxPackRecords: 2 }, { requestsPerMinute: 12 })
    const other = limiter.start(1, 0)
    const first = sent(engine)
    expect(engine.next(0)).toMatchObject({ kind: 'wait', until: 5_000, pause: { for: 'rate_limit' } })
    // The caller asks after each end itself.
    ended(engine, first, COMPLETE)
    expect(woken).toEqual([])
    expect(engine.next(0)).toMatchObject({ kind: 'wait', until: 5_000, pause: { for: 'rate_limit' } })
    other.cancel()
    expect(woken).toHaveLength(1)
    expect(indexes(sent(engine, 5_000))).toEqual([2, 3])
  })

  it('halves a pack that the rate limit could never let through', () => {
    const { engine } = engineOf(4, { maxPackRecords: 4 }, { tokensPerMinute: 140 })
    expect(sent(engine).pack.length).toBeLessThan(4)
  })

  it('lets crowded keys leave although nothing is ever due', () => {
    const { engine } = engineOf(0, { linger: Infinity, window: 3 })
    for (let i = 0; i < 3; i++) engine.add(entryOf(i, { partition: `key ${i}` }), 0)
    expect(engine.wantsMore).toBe(false)
    expect(indexes(sent(engine))).toEqual([0])
    expect(engine.wantsMore).toBe(true)
  })

  it('has learned from an end before anything else leaves', () => {
    const rules = { maxPackRecords: 2, maxInFlight: 2, maxOutputTokens: 1_000 }
    const { engine } = engineOf(6, rules, { requestsPerMinute: 6 })
    const first = sent(engine)
    expect(first.cap).toBe(1_000)
    expect(engine.next(0).kind).toBe('wait')
    ended(engine, first, COMPLETE)
    expect(sent(engine, 10_000).cap).toBeLessThan(1_000)
  })

  it('stops when the next request might cost more than is left', () => {
    const { engine } = engineOf(1, { maxCost: 1e-9 })
    expect(engine.next(0)).toEqual({ kind: 'stop' })
    expect(engine.stopped?.code).toBe('max_cost_reached')
  })
})

describe('ended', () => {
  it('puts what was left before new records, in smaller packs', () => {
    const { engine } = engineOf(6, { maxPackRecords: 4, maxInFlight: 1 })
    const first = sent(engine)
    ended(engine, first, { kind: 'length', isFinal: false, isChosen: false })
    const { length } = first.pack
    const again = sent(engine)
    expect([indexes(again)[0], again.isRetry]).toEqual([0, true])
    expect(again.pack.length).toBeLessThan(length)
  })

  it('lets the records of a failed request rest, and keeps their slot', () => {
    const { engine } = engineOf(4, { maxPackRecords: 2, maxInFlight: 1 })
    ended(engine, sent(engine), FAILURE, 10)
    expect(engine.next(10)).toEqual({
      ...{ kind: 'wait', until: 60 },
      pause: { for: 'server', until: 60, said: error.message },
    })
    expect([engine.inFlight, engine.isIdle]).toEqual([0, false])
    expect(indexes(sent(engine, 60))).toEqual([0, 1])
  })

  it('keeps the slot until the consumer has taken what was rejected', () => {
    const { engine } = engineOf(2, { maxPackRecords: 1, maxInFlight: 1 })
    const first = sent(engine)
    const { rejected } = ended(engine, first, REFUSAL)
    expect(rejected).toMatchObject([{ entry: { index: 0 }, reason: { code: 'refused' } }])
    expect(engine.next(0)).toEqual({ kind: 'wait', until: Infinity })
    engine.delivered(first)
    expect(indexes(sent(engine))).toEqual([1])
  })

  it('says what is fatal, and leaves its records unsettled', () => {
    const { engine } = engineOf(2)
    expect(ended(engine, sent(engine), FATAL)).toMatchObject({ rejected: [], fatal: FATAL })
  })

  it('takes what no waiting can help for too large, before it is booked', () => {
    const { engine, ledger } = engineOf(1)
    const tooLarge: RequestEnd = { ...RATE_LIMIT, tooLarge: { limit: 10 } }
    const { end, rejected } = ended(engine, sent(engine), tooLarge)
    expect(end.kind).toBe('too_large')
    expect(rejected).toMatchObject([{ reason: { code: 'request_failed' } }])
    expect(ledger.snapshot(0, 0).rateLimited).toBe(1)
  })

  it('charges no attempt for a rate limit, and waits as the server says', () => {
    const { engine } = engineOf(1)
    ended(engine, sent(engine), RATE_LIMIT)
    expect(engine.next(0)).toEqual({
      ...{ kind: 'wait', until: 2_000 },
      pause: { for: 'rate_limit', until: 2_000, said: error.message },
    })
    expect(sent(engine, 2_000).pack[0]?.attempts).toBe(1)
  })
})

describe('after a stop', () => {
  it('nothing leaves, no pause is waited for, and the first reason counts', () => {
    const { engine } = engineOf(4, { maxPackRecords: 2 })
    const [first, second] = [sent(engine), sent(engine)]
    ended(engine, first, FAILURE)
    engine.stop('stopped', 'enough')
    engine.stop('max_cost_reached', 'too late')
    expect(engine.next(0)).toEqual({ kind: 'stop' })
    expect(engine.stopped).toEqual({ code: 'stopped', message: 'enough' })
    expect(engine.isIdle).toBe(false)
    ended(engine, second, COMPLETE)
    expect(engine.next(0)).toEqual({ kind: 'stop' })
    expect(engine.isIdle).toBe(true)
  })

  it('a fatal end is only its own', () => {
    const { engine } = engineOf(1)
    const departure = sent(engine)
    engine.stop('stopped', 'enough')
    expect(ended(engine, departure, FATAL)).toMatchObject({ rejected: [], fatal: undefined })
  })

  it('of a stream that was destroyed, ends are booked and settle nothing', () => {
    const { engine, ledger } = engineOf(1)
    const departure = sent(engine)
    engine.close()
    expect(ended(engine, departure, REFUSAL).rejected).toEqual([])
    expect(ledger.snapshot(0, 0).tokens.input).toBe(100)
  })
})
