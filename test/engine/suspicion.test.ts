import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Ledger } from '../../src/accounts/ledger.ts'
import type { RequestEnd } from '../../src/answer/request-end.ts'
import type { Departure } from '../../src/engine/departure.ts'
import { PackEngine } from '../../src/engine/pack-engine.ts'
import { RateLimiter } from '../../src/limits/rate-limiter.ts'
import { RequestError } from '../../src/record/errors.ts'
import { entryOf } from '../helpers/entry.ts'
import { runs } from '../helpers/properties.ts'
import { finishedOf, rulesOf } from '../helpers/schedule.ts'

const error = new RequestError('api_error', 'x')
const REFUSED: RequestEnd = {
  kind: 'refused_request',
  isSilent: false,
  code: 'bad_request',
  message: 'x',
  error,
}
const COMPLETE: RequestEnd = { kind: 'complete' }
const FAILURE: RequestEnd = { kind: 'failure', retryAfter: undefined, error }

interface Job {
  readonly count: number
  readonly maxPackRecords: number
  readonly maxInFlight: number
  /** Records whose requests the server refuses. */
  readonly bad: ReadonlySet<number>
  /** Whether the server has accepted such requests in another run. */
  readonly isAssumed?: boolean
  /** Chooses the running request that ends next. */
  readonly pick?: (running: number) => number
  /** Whether a request fails, for a reason outside its records. */
  readonly fails?: (request: number) => boolean
}

/** Plays a job against a server that refuses each request with a bad record. */
function play({ count, maxPackRecords, maxInFlight, bad, ...job }: Job) {
  const { isAssumed = false, pick = () => 0, fails = () => false } = job
  const ledger = new Ledger(undefined)
  const rules = rulesOf({ maxPackRecords, maxInFlight })
  const engine = new PackEngine<string>(
    rules,
    ledger,
    new RateLimiter(),
    () => undefined,
    () => 1,
  )
  engine.assumeAccepted(() => isAssumed)
  for (let i = 0; i < count; i++) {
    ledger.read()
    engine.add(entryOf(i, { maxCompany: maxPackRecords, attemptsLeft: 100 }), 0)
  }
  engine.endOfInput(0)
  const running: Departure<string>[] = []
  const rejected: number[] = []
  const fulfilled: number[] = []
  let packs = 0
  let now = 0
  for (;;) {
    if (packs > 20 * count + 100) throw new Error('It does not end')
    const step = engine.next(now)
    if (step.kind === 'send') {
      running.push(step.departure)
      packs += 1
      continue
    }
    const [departure] = running.splice(pick(running.length), 1)
    if (!departure) {
      if (step.kind === 'wait' && step.until < Infinity) {
        now = step.until
        continue
      }
      if (!engine.isIdle) throw new Error('The engine waits for nothing')
      return { rejected, fulfilled, packs, fatal: undefined }
    }
    const isBad = departure.pack.some(({ index }) => bad.has(index))
    const end = fails(departure.request) ? FAILURE : isBad ? REFUSED : COMPLETE
    if (end === COMPLETE) fulfilled.push(...departure.pack.map(({ index }) => index))
    const finished = finishedOf(departure, end, () => end === COMPLETE)
    const ended = engine.ended(departure, finished, now)
    rejected.push(...ended.rejected.map(({ entry }) => entry.index))
    engine.delivered(departure)
    if (ended.fatal) return { rejected, fulfilled, packs, fatal: ended.fatal }
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const sorted = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b)

describe('a server that refuses requests', () => {
  it.each([
    ['the first record of many', 200, 25, 1, [0]],
    ['the first record, with others in flight', 200, 25, 4, [0]],
    ['record 60 of 200', 200, 25, 4, [60]],
    ['the first of two records', 2, 25, 1, [0]],
    ['the last of two records', 2, 25, 1, [1]],
    ['one record in each of the first packs', 200, 25, 4, [3, 30, 60, 90]],
    ['the first ten records of one pack', 25, 25, 1, upTo(10)],
    ['ten records behind others, one in a pack', 200, 1, 1, upTo(30).slice(20)],
    ['ten records behind others, all in flight', 200, 1, 16, upTo(60).slice(50)],
    ['forty records behind others', 200, 25, 1, upTo(90).slice(50)],
  ])('because of %s, rejects only these', (_what, count, maxPackRecords, maxInFlight, bad) => {
    const { rejected, fulfilled, fatal } = play({ count, maxPackRecords, maxInFlight, bad: new Set(bad) })
    expect(fatal).toBeUndefined()
    expect(sorted(rejected)).toEqual(bad)
    expect(fulfilled).toHaveLength(count - bad.length)
  })

  it.each([
    [200, 25, 1, 3],
    [200, 25, 4, 6],
    [200, 1, 4, 4],
    [5, 25, 4, 3],
    [1, 25, 4, 1],
  ])(
    'all of them, %i records in packs of %i, %i in flight: %i requests show it',
    (count, size, inFlight, most) => {
      const bad = new Set(upTo(count))
      const { rejected, fatal, packs } = play({ count, maxPackRecords: size, maxInFlight: inFlight, bad })
      expect(fatal).toMatchObject({ code: 'bad_request', message: 'x', error })
      expect(rejected).toEqual([])
      expect(packs).toBeLessThanOrEqual(most)
    },
  )

  it.each([1, 10, 40])('rejects the only %i records if it has accepted such requests before', (count) => {
    const bad = new Set(upTo(count))
    const { rejected, fatal } = play({ count, maxPackRecords: 25, maxInFlight: 1, bad, isAssumed: true })
    expect(fatal).toBeUndefined()
    expect(sorted(rejected)).toEqual(upTo(count))
  })

  it('is blamed after 40 records in a row, because the server may have changed', () => {
    const bad = new Set(upTo(1_000).slice(10))
    const { rejected, fatal } = play({ count: 1_000, maxPackRecords: 5, maxInFlight: 1, bad })
    expect(fatal).toMatchObject({ code: 'bad_request' })
    expect(rejected).toHaveLength(40)
  })

  const job = fc
    .record({
      count: fc.integer({ min: 1, max: 80 }),
      maxPackRecords: fc.integer({ min: 1, max: 25 }),
      maxInFlight: fc.constantFrom(1, 2, 4, 8),
      badOnes: fc.array(fc.nat(79), { maxLength: 12 }),
      isAssumed: fc.boolean(),
      dice: fc.infiniteStream(fc.nat(99)),
    })
    .map(({ badOnes, dice, ...rest }): Job => {
      const die = (): number => Number(dice.next().value)
      const bad = new Set(badOnes.filter((index) => index < rest.count))
      const failing = new Map<number, boolean>()
      const fails = (request: number): boolean => {
        if (!failing.has(request)) failing.set(request, request < 200 && die() < 20)
        return failing.get(request) === true
      }
      return { ...rest, bad, fails, pick: (running) => die() % Math.max(1, running) }
    })

  it('ends in any order, and rejects nothing but what it refused alone', () => {
    fc.assert(
      fc.property(job, (one) => {
        const { rejected, fulfilled, fatal } = play(one)
        for (const index of rejected) expect(one.bad).toContain(index)
        if (fatal) {
          // The server has accepted nothing, so no record has an outcome.
          expect([rejected, fulfilled]).toEqual([[], []])
          expect(one.bad.size).toBeGreaterThanOrEqual(Math.min(2, one.count))
          expect(one.isAssumed).toBe(false)
        } else {
          expect(sorted([...rejected, ...fulfilled])).toEqual(upTo(one.count))
          expect(sorted(rejected)).toEqual(sorted(one.bad))
        }
      }),
      { numRuns: runs(500) },
    )
  })
})
