import { describe, expect, test } from 'vitest'
import type { Stats } from 'llm-pack-stream'
import { Pauses, timeOfDay } from '../../../src/cli/terminal/pauses.ts'

type Seen = Pick<Stats, 'records' | 'waiting' | 'inFlight' | 'tokens'>
type Waiting = NonNullable<Stats['waiting']>

const seen = (fulfilled: number, waiting?: Partial<Waiting>, inFlight = 0): Seen => ({
  records: { read: 100, fulfilled, rejected: 0, unsettled: 100 - fulfilled },
  waiting: waiting && { for: 'rate_limit', until: 0, said: undefined, ...waiting },
  inFlight,
  tokens: { output: fulfilled * 9 } as Stats['tokens'],
})
const SAID = 'The rate limit was reached (429 RESOURCE_EXHAUSTED)'
const NOON = new Date(2026, 10, 30, 12, 0).getTime()

/** Looks each second from noon on. Returns what changes, with its second; `!` is told at once. */
function shown(at: (second: number) => Seen, seconds = 60): string[] {
  const pauses = new Pauses()
  let before: string | undefined
  const changes: string[] = []
  for (let second = 0; second < seconds; second += 1) {
    const pause = pauses.look(at(second), NOON + second * 1_000)
    const text = pause && `${pause.isLong ? '!' : ''}${pause.long}`
    if (text !== before) changes.push(`${second}: ${text}`)
    before = text
  }
  return changes
}

describe('a pause', () => {
  test('for the rate limit says until when, and what the server says; a long pause is told at once', () => {
    expect(
      shown((second) =>
        second < 5 || second > 40 ? seen(second) : seen(4, { until: NOON + 2_460_000, said: SAID }),
      ),
    ).toEqual(['6: !rate limited until 12:41, the server says 429 RESOURCE_EXHAUSTED', '41: undefined'])
  })

  test('of a few seconds is shown, and not told', () => {
    expect(
      shown((second) => (second === 0 || second > 6 ? seen(second) : seen(0, { until: NOON + 7_000 }))),
    ).toEqual(['2: rate limited until 12:00:07, the limit per minute has no room', '7: undefined'])
  })

  test('is told after 10 s without an outcome, also if each look finds a request on its way', () => {
    const until = (second: number) => ({ until: NOON + second * 1_000 + 200, said: SAID })
    expect(
      shown((second) => (second % 3 === 0 ? seen(0, until(second)) : seen(0, undefined, 1)), 12),
    ).toEqual([
      '3: rate limited until 12:00:03, the server says 429 RESOURCE_EXHAUSTED',
      '4: undefined',
      '6: rate limited until 12:00:06, the server says 429 RESOURCE_EXHAUSTED',
      '7: undefined',
      '9: rate limited until 12:00:09, the server says 429 RESOURCE_EXHAUSTED',
      '10: !rate limited, the server says 429 RESOURCE_EXHAUSTED',
    ])
  })

  test('of a server that is down says since when, while one request after the other asks for it', () => {
    const down = { for: 'server', said: 'The connection failed or broke off (ECONNREFUSED)' } as const
    const changes = shown((second) =>
      second > 40
        ? seen(1)
        : seen(0, second % 2 === 0 ? { ...down, until: NOON + second * 1_000 } : undefined, 1),
    )
    expect(changes[0]).toBe('1: server down for 1 s: ECONNREFUSED')
    expect(changes).toContain('10: !server down for 10 s: ECONNREFUSED')
    expect(changes.slice(-2)).toEqual(['40: !server down for 40 s: ECONNREFUSED', '41: undefined'])
  })

  test('of a server that is down goes on while records are rejected, and ends when it answers', () => {
    const down = { for: 'server', said: 'The connection failed or broke off (ECONNREFUSED)' } as const
    const changes = shown((second) => {
      const now = seen(second > 44 ? 1 : 0, second > 44 ? undefined : down, 1)
      return { ...now, records: { ...now.records, rejected: Math.floor(second / 7) } }
    })
    expect(changes).toContain('10: !server down for 10 s: ECONNREFUSED')
    expect(changes.slice(-2)).toEqual(['44: !server down for 44 s: ECONNREFUSED', '45: undefined'])
  })

  test('is not shown while outcomes come, or while requests run at a limit that has no room', () => {
    expect(shown((second) => seen(second, { until: NOON + 90_000, said: SAID }))).toEqual([])
    expect(shown((second) => seen(Math.floor(second / 8), { until: NOON }, 3))).toEqual([])
  })

  test('is not shown while a slow answer is on its way', () => {
    expect(shown(() => seen(0, undefined, 1))).toEqual([])
  })

  test.each([
    [119, '119 s'],
    [120, '2 min'],
    [7_199, '119 min'],
    [7_200, '2 h'],
  ])('of %i s lasts %s', (seconds, words) => {
    const pauses = new Pauses()
    const waiting = { for: 'server', said: undefined, until: NOON } as const
    pauses.look(seen(0, waiting), NOON)
    expect(pauses.look(seen(0, waiting), NOON + seconds * 1_000)?.long).toBe(`server down for ${words}`)
  })
})

test.each([
  [59_000, '12:00:59'],
  [60_000, '12:01'],
  [11 * 3_600_000, '23:00'],
  [12 * 3_600_000, '2026-12-01 00:00'],
])('a time in %i ms is %s', (later, text) => {
  expect(timeOfDay(NOON + later, NOON)).toBe(text)
})
