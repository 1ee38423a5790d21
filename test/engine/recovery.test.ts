import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/record/entry.ts'
import { RecordError, RequestError } from '../../src/record/errors.ts'
import { pauseAfter, recover } from '../../src/engine/recovery.ts'
import type { RequestEnd } from '../../src/answer/request-end.ts'
import { entryOf } from '../helpers/entry.ts'
import { runs } from '../helpers/properties.ts'

const error = new RequestError('api_error', 'x')

const ENDS = {
  complete: { kind: 'complete' },
  length: { kind: 'length', isFinal: false, isChosen: true },
  'length without a cap': { kind: 'length', isFinal: true, isChosen: false },
  'length for good': { kind: 'length', isFinal: true, isChosen: true },
  refusal: { kind: 'refusal', refusal: 'I would rather not.' },
  content_filter: { kind: 'content_filter', error },
  context: { kind: 'context', error },
  refused_request: { kind: 'refused_request', isSilent: false, code: 'bad_request', message: 'x', error },
  too_large: { kind: 'too_large', error },
  rate_limit: { kind: 'rate_limit', headers: undefined, error },
  cap_refused: { kind: 'cap_refused', error },
  form_refused: { kind: 'form_refused', error },
  failure: { kind: 'failure', retryAfter: undefined, error },
} satisfies Record<string, RequestEnd>

type EndName = keyof typeof ENDS
const names = Object.keys(ENDS) as EndName[]

/** Number of the request that ended. */
const REQUEST = 7

/** Records that were just sent, with three attempts left after this attempt by default. */
const sent = (changes: Partial<Entry<string>> = {}) => entryOf(0, { attempts: 1, ...changes })

const recoverIn = (entry: Entry<string>, name: EndName, size: number, settled = 0): RecordError | undefined =>
  recover(entry, ENDS[name], { request: REQUEST, size }, settled)

describe('the next step for a record that a request did not settle', () => {
  /** Attempts do not change unless `attempts` is given. No other mark is set. */
  interface Next {
    readonly attempts?: number
    readonly attemptsLeft: number
    readonly maxCompany: number
    readonly group?: number
    readonly failures?: number
    readonly needsMaxCap?: boolean
    readonly needsNoCap?: boolean
  }
  const rows: [design: string, name: EndName, size: number, settled: number, next: Next][] = [
    ['missing: in smaller packs', 'complete', 25, 24, { attemptsLeft: 3, maxCompany: 13 }],
    ['missing: in smaller packs', 'complete', 25, 0, { attemptsLeft: 3, maxCompany: 13 }],
    ['missing: in smaller packs', 'complete', 2, 1, { attemptsLeft: 3, maxCompany: 1 }],
    ['missing: alone again', 'complete', 1, 0, { attemptsLeft: 3, maxCompany: 1 }],

    [
      'cut: half as many, charged where nothing settled',
      'length',
      25,
      0,
      { attemptsLeft: 3, maxCompany: 13 },
    ],
    [
      'cut: half as many, free where something settled',
      'length',
      25,
      20,
      { attemptsLeft: 4, maxCompany: 13 },
    ],
    ['cut, and the cap will grow: half', 'length', 25, 3, { attemptsLeft: 4, maxCompany: 13 }],
    ['cut, and the cap will grow: half', 'length', 2, 1, { attemptsLeft: 4, maxCompany: 1 }],
    ['cut for good: what fits', 'length for good', 25, 3, { attemptsLeft: 4, maxCompany: 3 }],
    [
      "cut at the model's own cap: what fits",
      'length without a cap',
      25,
      3,
      { attemptsLeft: 4, maxCompany: 3 },
    ],
    ['cut alone: a larger cap', 'length', 1, 0, { attemptsLeft: 4, maxCompany: 1, needsMaxCap: true }],
    // A small context may have had no more room, so there is at least one more try.
    [
      'cut alone, by no cap of the user: once more',
      'length without a cap',
      1,
      0,
      { attemptsLeft: 4, maxCompany: 1, needsMaxCap: true },
    ],

    ['refusal: halved', 'refusal', 25, 0, { attemptsLeft: 4, maxCompany: 13, group: REQUEST }],
    ['refusal: those left are halved', 'refusal', 25, 20, { attemptsLeft: 4, maxCompany: 3, group: REQUEST }],
    ['filter: halved', 'content_filter', 25, 0, { attemptsLeft: 4, maxCompany: 13, group: REQUEST }],
    ['filter: alone', 'content_filter', 25, 24, { attemptsLeft: 4, maxCompany: 1, group: REQUEST }],
    ['filter: halved', 'content_filter', 3, 0, { attemptsLeft: 4, maxCompany: 2, group: REQUEST }],
    ['context: halved', 'context', 25, 0, { attemptsLeft: 4, maxCompany: 13, group: REQUEST }],
    ['context: halved', 'context', 2, 0, { attemptsLeft: 4, maxCompany: 1, group: REQUEST }],
    [
      'refused after others were taken: halved',
      'refused_request',
      25,
      0,
      { attemptsLeft: 4, maxCompany: 13, group: REQUEST },
    ],
    [
      'refused after others were taken: halved',
      'refused_request',
      2,
      0,
      { attemptsLeft: 4, maxCompany: 1, group: REQUEST },
    ],
    ['larger than the limit: halved', 'too_large', 8, 0, { attemptsLeft: 4, maxCompany: 4, group: REQUEST }],

    [
      '429: not charged',
      'rate_limit',
      25,
      0,
      { attempts: 0, attemptsLeft: 4, maxCompany: 25, group: REQUEST },
    ],
    [
      '429: not charged',
      'rate_limit',
      1,
      0,
      { attempts: 0, attemptsLeft: 4, maxCompany: 25, group: REQUEST },
    ],
    [
      '429 within an answer: not charged',
      'rate_limit',
      25,
      9,
      { attempts: 0, attemptsLeft: 4, maxCompany: 25, group: REQUEST },
    ],
    [
      'form refused: not charged',
      'form_refused',
      25,
      0,
      { attempts: 0, attemptsLeft: 4, maxCompany: 25, group: REQUEST },
    ],
    [
      'cap refused: not charged',
      'cap_refused',
      25,
      0,
      { attempts: 0, attemptsLeft: 4, maxCompany: 25, group: REQUEST, needsNoCap: true },
    ],

    ['failed once: together', 'failure', 25, 0, { attemptsLeft: 3, maxCompany: 25, failures: 1 }],
    ['failed once: together', 'failure', 25, 20, { attemptsLeft: 3, maxCompany: 25, failures: 1 }],
    ['failed once: together', 'failure', 1, 0, { attemptsLeft: 3, maxCompany: 25, failures: 1 }],
  ]

  it.each(rows)('%s: %s in a pack of %i with %i settled: %j', (_design, name, size, settled, next) => {
    const record = sent()
    expect(recoverIn(record, name, size, settled)).toBeUndefined()
    expect(record).toEqual(sent(next))
  })

  it.each<[EndName, code: string, cause: boolean]>([
    ['length for good', 'answer_truncated', false],
    ['refusal', 'refused', false],
    ['content_filter', 'content_filtered', true],
    ['context', 'context_length_exceeded', true],
    ['refused_request', 'request_failed', true],
    ['too_large', 'request_failed', true],
  ])('%s: a single record is rejected at once, also with attempts left: %s', (name, code, hasCause) => {
    const reason = recoverIn(sent(), name, 1)
    expect(reason).toBeInstanceOf(RecordError)
    expect(reason?.code).toBe(code)
    expect(reason?.cause).toBe(hasCause ? error : undefined)
  })

  it.each<[EndName, code: string]>([
    ['complete', 'missing_result'],
    ['length', 'answer_truncated'],
    ['failure', 'request_failed'],
  ])('%s: without attempts left it is rejected: %s', (name, code) => {
    expect(recoverIn(sent({ attemptsLeft: 1 }), name, 2)).toMatchObject({ code })
  })

  it('a failed request is the cause, and the message names the attempt', () => {
    const reason = recoverIn(sent({ attempts: 4, attemptsLeft: 1 }), 'failure', 1)
    expect(reason).toMatchObject({ cause: error, message: 'The request failed on attempt 4' })
  })

  it("the schema's issue is the reason if an element did not match", () => {
    const invalid = new RecordError('invalid_result', 'x')
    expect(recoverIn(sent({ attemptsLeft: 1, invalid }), 'complete', 1)).toBe(invalid)
  })

  it("a refusal holds the model's text in a property that loggers do not print", () => {
    const reason = recoverIn(sent(), 'refusal', 1)
    expect(reason?.refusal).toBe('I would rather not.')
    expect(reason?.message).not.toContain('rather')
    expect(JSON.stringify(reason)).not.toContain('rather')
    const unspoken: RequestEnd = { kind: 'refusal', refusal: undefined }
    expect(recover(sent(), unspoken, { request: 1, size: 1 }, 0)).toMatchObject({ code: 'refused' })
  })

  it('a filter that stopped the answer without an error has no cause', () => {
    const end: RequestEnd = { kind: 'content_filter', error: undefined }
    const reason = recover(sent(), end, { request: 1, size: 1 }, 0)
    expect(reason?.code).toBe('content_filtered')
    expect(reason?.cause).toBeUndefined()
  })

  it.each<EndName>(['length', 'length without a cap'])(
    'a single record that ends with %s is sent once more with the largest cap, and then rejected',
    (name) => {
      const record = sent()
      expect(recoverIn(record, name, 1)).toBeUndefined()
      expect(record.needsMaxCap).toBe(true)
      expect(recoverIn(record, 'rate_limit', 1)).toBeUndefined()
      expect(recoverIn(record, 'failure', 1)).toBeUndefined()
      expect(record).toMatchObject({ needsMaxCap: true, maxCompany: 1 })
      expect(recoverIn(record, name, 1)).toMatchObject({ code: 'answer_truncated' })
    },
  )

  it.each<[EndName, group: number | undefined]>([
    // This end shows nothing about the records. Records of another search, or of no search, must
    // not be drawn in.
    ['rate_limit', 3],
    ['cap_refused', 3],
    ['form_refused', 3],
    ['failure', 3],
    ['complete', undefined],
    ['length', undefined],
    ['length without a cap', undefined],
    ['refusal', REQUEST],
    ['content_filter', REQUEST],
    ['context', REQUEST],
    ['refused_request', REQUEST],
    ['too_large', REQUEST],
  ])('records of group 3 that end with %s are then in %s', (name, group) => {
    const record = sent({ group: 3, maxCompany: 4 })
    recoverIn(record, name, 4)
    expect(record.group).toBe(group)
  })

  it.each<[EndName, group: number | undefined]>([
    // They stay together. Otherwise their leftovers would draw in other records if one of them is
    // guilty.
    ['rate_limit', REQUEST],
    ['cap_refused', REQUEST],
    ['form_refused', REQUEST],
    ['failure', undefined],
  ])('records without a group that end with %s are then in %s', (name, group) => {
    const record = sent({ maxCompany: 4 })
    recoverIn(record, name, 4)
    expect(record.group).toBe(group)
  })

  it('records that several 429 refuse stay in the group of the first request', () => {
    const record = sent({ maxCompany: 4 })
    for (const request of [3, 5, 8]) recover(record, ENDS.rate_limit, { request, size: 4 }, 0)
    expect(record.group).toBe(3)
  })
})

describe('the last attempt', () => {
  it.each<[EndName, settled: number]>([
    ['complete', 0],
    ['complete', 20],
    ['length', 0],
  ])('after %s with %i settled is alone', (name, settled) => {
    const record = sent({ attemptsLeft: 2 })
    expect(recoverIn(record, name, 25, settled)).toBeUndefined()
    expect(record).toMatchObject({ attemptsLeft: 1, maxCompany: 1 })
  })

  it('after the second failure is alone, with any size of the pack', () => {
    const record = sent({ attemptsLeft: 2, failures: 1 })
    expect(recoverIn(record, 'failure', 25)).toBeUndefined()
    expect(record).toMatchObject({ attemptsLeft: 1, maxCompany: 1 })
  })

  // Otherwise a server with problems would get 25 times as many requests.
  it('after the first failure is together', () => {
    const record = sent({ attemptsLeft: 2 })
    expect(recoverIn(record, 'failure', 25)).toBeUndefined()
    expect(record).toMatchObject({ attemptsLeft: 1, maxCompany: 25 })
  })

  it('failures halve from the second on', () => {
    const record = sent({ attemptsLeft: 5 })
    const companies = [25, 25, 13].map((size) => {
      expect(recoverIn(record, 'failure', size)).toBeUndefined()
      return record.maxCompany
    })
    expect(companies).toEqual([25, 13, 7])
    expect(recoverIn(record, 'failure', 7)).toBeUndefined()
    expect(record).toMatchObject({ attemptsLeft: 1, maxCompany: 1 })
    expect(recoverIn(record, 'failure', 1)).toMatchObject({ code: 'request_failed' })
  })
})

describe('the recovery ends', () => {
  const step = fc.record({ name: fc.constantFrom(...names), company: fc.nat(), settled: fc.nat() })

  it('after a bounded number of sends, in packs that never grow', () => {
    fc.assert(
      fc.property(
        fc.infiniteStream(step),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 64 }),
        (steps, maxAttempts, maxRecords) => {
          const record = entryOf(0, { attemptsLeft: maxAttempts, maxCompany: maxRecords })
          let sends = 0
          let untried = 0
          for (const { name, company, settled } of steps) {
            const size = 1 + (company % record.maxCompany)
            const before = { ...record }
            record.attempts += 1
            const reason = recover(record, ENDS[name], { request: sends, size }, settled % size)
            const isCapLeftOut = name === 'cap_refused' && !before.needsNoCap
            const isUntried = ['rate_limit', 'form_refused'].includes(name) || isCapLeftOut
            sends += 1
            untried += isUntried ? 1 : 0
            expect(record.maxCompany).toBeLessThanOrEqual(before.maxCompany)
            expect(record.maxCompany).toBeGreaterThanOrEqual(1)
            expect(record.attempts).toBe(sends - untried)
            if (reason) {
              expect(isUntried).toBe(false)
              break
            }
            expect(record.attemptsLeft).toBeGreaterThanOrEqual(1)
            if (isUntried) {
              const needsNoCap = before.needsNoCap || isCapLeftOut
              expect(record).toEqual({ ...before, needsNoCap, group: before.group ?? sends - 1 })
              continue
            }
            // A send that settles no record uses an attempt, shrinks the pack, or asks for the
            // largest cap.
            const isCharged = record.attemptsLeft === before.attemptsLeft - 1
            const isCapRaised = record.needsMaxCap && !before.needsMaxCap
            expect(isCharged || record.maxCompany < size || isCapRaised).toBe(true)
            if (isCharged && record.attemptsLeft === 1 && (name !== 'failure' || before.failures > 0)) {
              expect(record.maxCompany).toBe(1)
            }
          }
          // A send without a charge at least halves the pack, except for one send with the largest
          // cap.
          expect(record.attempts).toBeLessThanOrEqual(maxAttempts + Math.ceil(Math.log2(maxRecords)) + 1)
        },
      ),
      { numRuns: runs(2_000) },
    )
  })
})

describe('the pause before a re-send', () => {
  const failure: RequestEnd = { kind: 'failure', retryAfter: undefined, error }

  it.each([
    [1, 500],
    [2, 1_000],
    [3, 2_000],
    [7, 32_000],
    [8, 60_000],
    [2_000, 60_000],
  ])('after attempt %i is %i ms, or up to a quarter less', (attempts, longest) => {
    expect(pauseAfter(failure, attempts, () => 0)).toBe(longest)
    expect(pauseAfter(failure, attempts, () => 1)).toBe(longest * 0.75)
    const pause = pauseAfter(failure, attempts)
    expect(pause).toBeGreaterThanOrEqual(longest * 0.75)
    expect(pause).toBeLessThanOrEqual(longest)
  })

  it.each([
    [10, 10],
    [59_999, 59_999],
    [90_000, 60_000],
    [1e12, 60_000],
  ])('is as long as the server asks for, up to a minute: %i', (retryAfter, pause) => {
    expect(pauseAfter({ ...failure, retryAfter }, 8)).toBe(pause)
  })

  it.each(names.filter((name) => name !== 'failure'))(
    'does not exist after %s: the server works, or the limiter decides',
    (name) => {
      expect(pauseAfter(ENDS[name], 3)).toBe(0)
    },
  )
})
