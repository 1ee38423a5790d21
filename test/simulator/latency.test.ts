import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  decodeSpeed,
  defaultLatency,
  firstTokenDelay,
  type Latency,
  tokensDue,
  WorkClock,
} from '../../src/simulator/latency.ts'
import { runPaced } from '../../src/simulator/pace.ts'

const none: Latency = {
  timeToFirstToken: 0,
  promptTokensPerSecond: Infinity,
  outputTokensPerSecond: Infinity,
  slowdown: 0,
}

describe('the latency model', () => {
  test.each([
    [none, 100_000, 0],
    [{ ...none, timeToFirstToken: 250 }, 100_000, 250],
    [{ ...none, promptTokensPerSecond: 10_000 }, 500, 50],
    [{ ...none, timeToFirstToken: 200, promptTokensPerSecond: 1000 }, 300, 500],
    [defaultLatency, 1000, 400],
  ])('%j reads %i tokens: first token after %d ms', (latency, tokens, delay) => {
    expect(firstTokenDelay(latency, tokens)).toBe(delay)
  })

  test.each([
    [0, 50, 1],
    [0.02, 1, 1],
    [0.02, 51, 0.5],
    [1, 4, 0.25],
    [1, 0, 1],
  ])('slowdown %d with %i in flight: speed %d', (slowdown, inFlight, speed) => {
    expect(decodeSpeed({ ...none, slowdown }, inFlight)).toBe(speed)
  })

  test.each([
    [Infinity, 0, 10, 10],
    [100, 0, 10, 1],
    [100, 9.99, 10, 1],
    [100, 10, 10, 2],
    [100, 55, 10, 6],
    [100, 1000, 10, 10],
    [2000, 0.5, 10, 2],
    [100, -5, 10, 1],
    [100, 1000, 0, 0],
  ])('at %d tokens/s, after %d ms of %i tokens: %i', (outputTokensPerSecond, work, total, due) => {
    expect(tokensDue({ ...none, outputTokensPerSecond }, work, total)).toBe(due)
  })

  test('the clock adds up work over changes of load', () => {
    const clock = new WorkClock({ ...none, slowdown: 1 }, 1000)
    expect(clock.read(1010)).toBe(10)
    clock.setInFlight(1010, 2)
    expect(clock.read(1030)).toBe(20)
    clock.setInFlight(1030, 4)
    expect(clock.read(1070)).toBe(30)
    clock.setInFlight(1070, 1)
    expect(clock.read(1071)).toBe(31)
  })
})

describe('pacing, by a fake clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function start(
    latency: Latency,
    total: number,
    options: { accept?: () => boolean; clock?: WorkClock } = {},
  ) {
    const clock = options.clock ?? new WorkClock(latency, performance.now())
    const log: { at: number; to: number }[] = []
    let finishedAt: number | undefined
    const startedAt = performance.now()
    const paced = runPaced({
      total,
      firstAt: startedAt + latency.timeToFirstToken,
      latency,
      clock,
      sink: {
        send(from, to) {
          expect(from).toBe(log.at(-1)?.to ?? 0)
          log.push({ at: performance.now() - startedAt, to })
          return options.accept?.() ?? true
        },
        finish() {
          finishedAt = performance.now() - startedAt
        },
      },
    })
    return { paced, log, finishedAt: () => finishedAt }
  }

  test.each([
    [2000, 1000, 0],
    [2000, 999, 100],
    [777, 500, 20],
    [100, 30, 300],
    [15, 10, 0],
  ])('%i tokens/s, %i tokens, first after %i ms: ends when planned', (rate, total, timeToFirstToken) => {
    const run = start({ ...none, outputTokensPerSecond: rate, timeToFirstToken }, total)
    const planned = timeToFirstToken + ((total - 1) / rate) * 1000
    vi.advanceTimersByTime(Math.ceil(planned) + 2)
    expect(run.finishedAt()).toBeGreaterThanOrEqual(Math.floor(planned))
    expect(run.finishedAt()).toBeLessThanOrEqual(planned + 2)
    for (const { at, to } of run.log) {
      expect(at).toBeGreaterThanOrEqual(timeToFirstToken + Math.floor(((to - 1) / rate) * 1000))
    }
    expect(vi.getTimerCount()).toBe(0)
  })

  test('without latency the whole answer is written before the call returns', () => {
    const run = start(none, 1000)
    expect(run.log.at(-1)?.to).toBe(1000)
    expect(run.finishedAt()).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('an answer without tokens ends at the time of the first token', () => {
    const run = start({ ...none, timeToFirstToken: 50 }, 0)
    vi.advanceTimersByTime(49)
    expect(run.finishedAt()).toBeUndefined()
    vi.advanceTimersByTime(1)
    expect(run.finishedAt()).toBe(50)
  })

  test('more load slows an answer that is already running', () => {
    const latency = { ...none, outputTokensPerSecond: 100, slowdown: 1 }
    const clock = new WorkClock(latency, performance.now())
    const run = start(latency, 101, { clock })
    vi.advanceTimersByTime(500)
    clock.setInFlight(performance.now(), 2)
    vi.advanceTimersByTime(998)
    expect(run.finishedAt()).toBeUndefined()
    vi.advanceTimersByTime(4)
    expect(run.finishedAt()).toBeGreaterThanOrEqual(1500)
  })

  test('a full sink gets no tokens until it resumes, and then all due tokens', () => {
    let full = true
    const run = start({ ...none, outputTokensPerSecond: 1000 }, 100, { accept: () => !full })
    vi.advanceTimersByTime(50)
    expect(run.log).toEqual([{ at: 0, to: 1 }])
    expect(vi.getTimerCount()).toBe(0)
    full = false
    run.paced.resume()
    expect(run.log.at(-1)).toEqual({ at: 50, to: 51 })
    vi.advanceTimersByTime(60)
    expect(run.log.at(-1)?.to).toBe(100)
    expect(run.finishedAt()).toBeLessThanOrEqual(101)
  })

  test('stop ends the writing and leaves no timer', () => {
    const run = start({ ...none, outputTokensPerSecond: 1000 }, 100)
    vi.advanceTimersByTime(10)
    const before = run.log.length
    run.paced.stop()
    run.paced.resume()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(500)
    expect(run.log.length).toBe(before)
    expect(run.finishedAt()).toBeUndefined()
  })
})
