import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Stats } from 'llm-pack-stream'
import { openTeller } from '../../../src/cli/kafka/progress.ts'
import { Standstill, tellStandstills } from '../../../src/cli/terminal/standstill.ts'

type Waiting = NonNullable<Stats['waiting']>

const seen = (fulfilled: number, waiting?: Partial<Waiting>): Pick<Stats, 'records' | 'waiting'> => ({
  records: { read: 100, fulfilled, rejected: 0, unsettled: 100 - fulfilled },
  waiting: waiting && { for: 'rate_limit', until: 0, said: undefined, ...waiting },
})
const SAID = 'The rate limit was reached (429 RESOURCE_EXHAUSTED)'

/** Looks each second. Returns the messages with the second in which they came. */
function told(at: (second: number) => Pick<Stats, 'records' | 'waiting'>, seconds = 60): string[] {
  const standstill = new Standstill()
  return Array.from({ length: seconds }, (_, second) => {
    const text = standstill.check(at(second), second * 1_000)
    return text === undefined ? [] : [`${second}: ${text}`]
  }).flat()
}

describe('a person is told', () => {
  test('once, 10 s after the first pause without an outcome', () => {
    expect(told((second) => seen(0, second < 2 ? undefined : { until: 90_000, said: SAID }))).toEqual([
      `12: Waiting: ${SAID}. The next request leaves in 1:18.`,
    ])
  })

  test('also if each look finds a request on its way, between short pauses', () => {
    expect(
      told((second) => seen(0, second % 3 === 0 ? { until: second * 1_000 + 200, said: SAID } : undefined)),
    ).toEqual([`10: Waiting: ${SAID}. The next request leaves in 0:01.`])
  })

  test('again in the next standstill', () => {
    expect(
      told((second) => seen(second < 30 ? 0 : 1, { said: SAID })).map((text) => text.split(':')[0]),
    ).toEqual(['10', '40'])
  })

  test('of a limit that no server has refused', () => {
    expect(told(() => seen(0, { until: 20_000 }))).toEqual([
      '10: Waiting: The limit of requests or tokens per minute has no room. The next request leaves in 0:10.',
    ])
  })
})

describe('a person is not told', () => {
  test('while outcomes come', () => {
    expect(told((second) => seen(second, { said: SAID }))).toEqual([])
  })

  test('while a slow answer is on its way', () => {
    expect(told(() => seen(0))).toEqual([])
  })

  test('when records come after a long time without records, before 10 s have passed', () => {
    expect(told((second) => seen(5, second < 55 ? undefined : { said: SAID }))).toEqual([])
  })
})

test('the check runs each second until it is stopped', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const texts: string[] = []
  const stop = tellStandstills(
    () => seen(0, { until: Date.now() + 5_000, said: SAID }) as Stats,
    (text) => texts.push(text),
  )
  vi.advanceTimersByTime(15_000)
  expect(texts).toEqual([`Waiting: ${SAID}. The next request leaves in 0:05.`])
  stop()
  expect(vi.getTimerCount()).toBe(0)
})

test.each([true, false])('a worker tells it too, with and without a log of its progress: %s', (isQuiet) => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  let stderr = ''
  const io = { stderr: { write: (text: string) => (stderr += text) }, env: {} } as never
  const stats = { ...seen(0, { until: Date.now() + 25_000, said: SAID }), inFlight: 0 } as Stats
  const teller = openTeller(() => stats, isQuiet, io)
  vi.advanceTimersByTime(20_000)
  expect(stderr).toBe(`Waiting: ${SAID}. The next request leaves in 0:14.\n`)
  teller.stop()
  expect(vi.getTimerCount()).toBe(0)
})
