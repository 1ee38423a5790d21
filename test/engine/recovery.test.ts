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
  bad_record: { kind: 'bad_record', error },
  too_large: { kind: 'too_large', error },
  rate_limit: { kind: 'rate_limit', headers: undefined, error },
  cap_refused: { kind: 'cap_refused', error },
  failure: { kind: 'failure', retryAfter: undefined, error },
} satisfies Record<string, RequestEnd>

type EndName = keyof typeof ENDS
const names = Object.keys(ENDS) as EndName[]

/** The number of the request that ended. */
const REQUEST = 7

/** What has just been sent, with three attempts left beside this one unless said otherwise. */
const sent = (changes: Partial<Entry<string>> = {}) => entryOf(0, { attempts: 1, ...changes })

const recoverIn = (entry: Entry<string>, name: EndName, size: number, settled = 0): RecordError | undefined =>
  recover(entry, ENDS[name], { request: REQUEST, size }, settled)

describe('what becomes of a record that a request did not settle', () => {
  /** Attempts stay what they are unless `attempts` is given; no other mark is set. */
  interface Next {
    readonly attempts?: number
    readonly attemptsLeft: number
    readonly maxCompany: number
    readonly group?: number
    readonly failures?: number
    readonly needsMaxCap?: boolean
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
    // A small context may have had no room for more: at least one try more.
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
      'bad_record',
      25,
      0,
      { attemptsLeft: 4, maxCompany: 13, group: REQUEST },
    ],
    [
      'refused after others were taken: halved',
      'bad_record',
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
      'cap refused: not charged',
      'cap_refused',
      25,
      0,
      { attempts: 0, attemptsLeft: 4, maxCompany: 25, group: REQUEST },
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
    ['bad_record', 'request_failed', true],
    ['too_large', 'request_failed', true],
  ])('%s: alone it is rejected at once, whatever attempts are left: %s', (name, code, hasCause) => {
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

  it('a request that failed is the cause, and it is said which attempt it was', () => {
    const reason = recoverIn(sent({ attempts: 4, attemptsLeft: 1 }), 'failure', 1)
    expect(reason).toMatchObject({ cause: error, message: 'The request failed, on attempt 4' })
  })

  it('what the schema said is the reason, if an element came that did not match', () => {
    const invalid = new RecordError('invalid_result', 'x')
    expect(recoverIn(sent({ attemptsLeft: 1, invalid }), 'complete', 1)).toBe(invalid)
  })

  it("the model's words go with a refusal, where no logger prints them", () => {
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
    'alone it ends with %s and is sent once more with the largest cap, whatever comes in between, and then rejected',
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
    // Nothing was found out: those of another search, or of none, would only be drawn in.
    ['rate_limit', 3],
    ['cap_refused', 3],
    ['failure', 3],
    ['complete', undefined],
    ['length', undefined],
    ['length without a cap', undefined],
    ['refusal', REQUEST],
    ['content_filter', REQUEST],
    ['context', REQUEST],
    ['bad_record', REQUEST],
    ['too_large', REQUEST],
  ])('those of group 3 that end with %s are then of %s', (name, group) => {
    const record = sent({ group: 3, maxCompany: 4 })
    recoverIn(record, name, 4)
    expect(record.group).toBe(group)
  })

  it.each<[EndName, group: number | undefined]>([
    // They keep together, or what they leave would draw others in, should one of them be guilty.
    ['rate_limit', REQUEST],
    ['cap_refused', REQUEST],
    ['failure', undefined],
  ])('those of no group that end with %s are then of %s', (name, group) => {
    const record = sent({ maxCompany: 4 })
    recoverIn(record, name, 4)
    expect(record.group).toBe(group)
  })

  it('refused by a 429 again and again they stay of the first request', () => {
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

  it('after the second failure is alone, however large the pack was', () => {
    const record = sent({ attemptsLeft: 2, failures: 1 })
    expect(recoverIn(record, 'failure', 25)).toBeUndefined()
    expect(record).toMatchObject({ attemptsLeft: 1, maxCompany: 1 })
  })

  // Else a server in trouble would be answered with 25 times as many requests.
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

describe('it ends', () => {
  const step = fc.record({ name: fc.constantFrom(...names), company: fc.nat(), settled: fc.nat() })

  it('whatever happens, in company that never grows, after so many sends', () => {
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
            const isUntried = name === 'rate_limit' || name === 'cap_refused'
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
              expect(record).toEqual({ ...before, group: before.group ?? sends - 1 })
              continue
            }
            // A send that settles nothing spends an attempt, shrinks the pack, or asks for the largest cap.
            const isCharged = record.attemptsLeft === before.attemptsLeft - 1
            const isCapRaised = record.needsMaxCap && !before.needsMaxCap
            expect(isCharged || record.maxCompany < size || isCapRaised).toBe(true)
            if (isCharged && record.attemptsLeft === 1 && (name !== 'failure' || before.failures > 0)) {
              expect(record.maxCompany).toBe(1)
            }
          }
          // What is not charged at least halves the pack, but for one more with the largest cap.
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
  ])('after attempt %i it is %i ms, or up to a quarter less', (attempts, longest) => {
    expect(pauseAfter(failure, attempts, () => 0)).toBe(longest)
    expect(pauseAfter(failure, attempts, () => 1)).toBe(longest * 0.75)
    const pause = pauseAfter(failure, attempts)
    expect(pause).toBeGreaterThanOrEqual(longest * 0.75)
    expect(pause).toBeLessThanOrEqual(longest)
  })

  it('is as long as the server says, if it says', () => {
    expect(pauseAfter({ ...failure, retryAfter: 10 }, 8)).toBe(10)
    expect(pauseAfter({ ...failure, retryAfter: 90_000 }, 1)).toBe(90_000)
  })

  // Node's timers fire at once when asked for more: a 503 would be sent again at once.
  it('is never longer than a timer can wait', () => {
    expect(pauseAfter({ ...failure, retryAfter: 1e12 }, 1)).toBe(2 ** 31 - 1)
  })

  it.each(names.filter((name) => name !== 'failure'))(
    'there is none after %s: the server works, or the limiter says when',
    (name) => {
      expect(pauseAfter(ENDS[name], 3)).toBe(0)
    },
  )
})
