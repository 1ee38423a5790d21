import { describe, expect, test } from 'vitest'
import { generalReason, ReasonCounter } from '../../../src/cli/measure/reasons.ts'

describe('the reason of many records', () => {
  test.each([
    ['tickets.csv:7: there is no text to ask about', 'there is no text to ask about'],
    ['my tickets.csv:7: expected 2 columns, got 1', 'expected 2 columns, got N'],
    [
      'The request failed on attempt 4: The server answered with an error (503)',
      'The request failed: The server answered with an error (503)',
    ],
    [
      'The result does not match the schema at items.12.team: expected one of "a", "b"; and at items.3.x',
      'The result does not match the schema at items.N.team: expected one of "a", "b"',
    ],
    ['expected at least 2', 'expected at least 2'],
  ])('leaves out what is different in each record: %s', (message, general) => {
    expect(generalReason({ code: 'x', message })).toBe(general)
    expect(generalReason({ code: 'x', message: general })).toBe(general)
  })
})

describe('a run counts', () => {
  test('rejected records by code and message, the most frequent first', () => {
    const counter = new ReasonCounter()
    counter.rejected({ code: 'empty_text', message: 'a.csv:1: there is no text' })
    for (const attempt of [1, 2]) {
      counter.rejected({ code: 'request_failed', message: `The request failed on attempt ${attempt}: why` })
    }
    expect(counter.reasons(40_000).rejected).toEqual([
      { code: 'request_failed', reason: 'The request failed: why', count: 2 },
      { code: 'empty_text', reason: 'there is no text', count: 1 },
    ])
  })

  test('reasons with the names of the command line', () => {
    const counter = new ReasonCounter()
    counter.waits({ for: 'server', until: 9_000, said: 'No events. `client.baseURL` has no version' }, 0)
    counter.rejected({ code: 'request_failed', message: 'No events. `client.baseURL` has no version' })
    const { waited, rejected } = counter.reasons(9_000)
    const reasons = [...waited, ...rejected].map(({ reason }) => reason)
    expect(reasons).toEqual(Array(2).fill('No events. OPENAI_BASE_URL has no version'))
  })

  test('requests that left records without a result, in words and with the status', () => {
    const counter = new ReasonCounter()
    const ended = (end: string, error?: string, status?: number, unsettled = 1): void => {
      counter.ended({ end, error, status, unsettled })
    }
    ended('failure', 'api_error', 503)
    ended('failure', 'api_error', 503)
    ended('length')
    ended('complete', undefined, undefined, 0)
    ended('a_new_end')
    expect(counter.reasons(40_000).retried).toEqual([
      { reason: 'server error (503)', count: 2 },
      { reason: 'answer cut at the output cap', count: 1 },
      { reason: 'a_new_end', count: 1 },
    ])
  })

  test('the seconds of pauses, each second once', () => {
    const counter = new ReasonCounter()
    const wait = { for: 'rate_limit' as const, said: 'The rate limit was reached (429)' }
    counter.waits({ ...wait, until: 10_000 }, 4_000)
    counter.waits({ ...wait, until: 12_000 }, 5_000)
    counter.waits({ ...wait, until: 30_000 }, 29_000)
    counter.waits({ for: 'server', said: undefined, until: 29_500 }, 29_200)
    expect(counter.reasons(40_000).waited).toEqual([
      { for: 'rate_limit', reason: 'The rate limit was reached (429)', count: 3, seconds: 9 },
      { for: 'server', reason: 'the limit per minute has no room', count: 1, seconds: 0 },
    ])
  })

  test('no second of a pause that comes after the end of the run', () => {
    const counter = new ReasonCounter()
    counter.waits({ for: 'rate_limit', said: 'no', until: 75_000 }, 0)
    for (let i = 0; i < 2; i += 1) expect(counter.reasons(6_000).waited[0]?.seconds).toBe(6)
  })

  test('many different reasons in bounded memory', () => {
    const counter = new ReasonCounter()
    for (let i = 0; i < 1_000; i += 1) {
      counter.rejected({ code: 'invalid_result', message: `reason ${'x'.repeat(i)}` })
    }
    const { rejected } = counter.reasons(40_000)
    expect(rejected).toHaveLength(51)
    expect(rejected[0]).toEqual({ code: 'other reasons', reason: 'other reasons', count: 950 })
    expect(Math.max(...rejected.map(({ reason }) => reason.length))).toBeLessThanOrEqual(300)
  })
})
