import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Congestion } from '../../src/limits/congestion.ts'

/** A limiter whose pauses are exactly as long as the table says. */
const unhurried = (): Congestion => new Congestion(() => 0)

/** Starts requests with these numbers. */
function start(congestion: Congestion, ...numbers: readonly number[]): void {
  for (const number of numbers) congestion.started(number)
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

/** How many more requests may start now. */
function room(congestion: Congestion, most = 20): number {
  let started = 0
  while (started < most && !congestion.isFull) {
    congestion.started(1_000 + started)
    started += 1
  }
  for (let i = 0; i < started; i++) congestion.ended()
  return started
}

describe('the pause after rounds of 429', () => {
  it.each<[what: string, pause: number | undefined, refill: number, pauses: number[]]>([
    ['the server says nothing', undefined, 0, [500, 1_000, 2_000, 4_000, 8_000]],
    ['the reported limits refill soon', undefined, 100, [100, 1_000, 2_000, 4_000, 8_000]],
    [
      'the reported limits refill late',
      undefined,
      30_000,
      [30_000, 30_000, 30_000, 30_000, 30_000, 30_000, 32_000],
    ],
    ['the refill takes less than 1 ms', undefined, 0.5, [500, 1_000, 2_000, 4_000]],
    ['the server asks for a pause', 20, 0, [20, 20, 20, 500, 1_000, 2_000, 4_000]],
    ['the server asks for a pause and reports a refill', 20, 9_000, [20, 20, 20, 500, 1_000]],
    [
      'the server asks for a longer pause than ours',
      3_000,
      0,
      [3_000, 3_000, 3_000, 3_000, 3_000, 3_000, 4_000, 8_000],
    ],
    [
      'the server asks for a day',
      86_400_000,
      0,
      [86_400_000, 86_400_000, 86_400_000, 86_400_000, 86_400_000],
    ],
  ])('%s', (_what, pause, refill, expected) => {
    const congestion = unhurried()
    let now = 7
    const pauses = expected.map((_, i) => {
      start(congestion, i + 1)
      congestion.refused(i + 1, pause, refill, now)
      const length = congestion.pausedUntil - now
      now = congestion.pausedUntil
      return length
    })
    expect(pauses).toEqual(expected)
  })

  it('requests that are refused together are one round', () => {
    const congestion = unhurried()
    start(congestion, ...upTo(8))
    for (const number of upTo(8)) congestion.refused(number, 20, 0, 0)
    expect(congestion.pausedUntil).toBe(20)
    start(congestion, 9)
    congestion.refused(9, undefined, 0, 100)
    expect(congestion.pausedUntil).toBe(1_100)
  })

  it.each<[what: string, happen: (congestion: Congestion) => void, pause: number]>([
    [
      'a request that goes well ends the row',
      (congestion) => {
        congestion.succeeded(4)
      },
      20,
    ],
    [
      'a request that failed does not end the row',
      (congestion) => {
        congestion.failed(60)
      },
      500,
    ],
    [
      'a request that was cancelled does not end the row',
      (congestion) => {
        congestion.ended()
      },
      500,
    ],
  ])('%s', (_what, happen, pause) => {
    const congestion = unhurried()
    for (const number of [1, 2, 3]) {
      start(congestion, number)
      congestion.refused(number, 20, 0, 20 * (number - 1))
    }
    start(congestion, 4)
    happen(congestion)
    start(congestion, 5)
    congestion.refused(5, 20, 0, 60)
    expect(congestion.pausedUntil).toBe(60 + pause)
  })

  it('a request that ran with the refused requests ends the row when it goes well', () => {
    const congestion = unhurried()
    start(congestion, 1, 2)
    congestion.refused(2, undefined, 0, 0)
    congestion.succeeded(1)
    start(congestion, 3)
    congestion.refused(3, undefined, 0, 500)
    expect(congestion.pausedUntil).toBe(1_000)
  })

  it('a request from before the newest round does not end the row when it goes well', () => {
    const congestion = unhurried()
    start(congestion, 1, 2)
    congestion.refused(2, undefined, 0, 0)
    start(congestion, 3)
    congestion.refused(3, undefined, 0, 500)
    congestion.succeeded(1)
    start(congestion, 4)
    congestion.refused(4, undefined, 0, 1_500)
    expect(congestion.pausedUntil).toBe(3_500)
  })

  it('is shortened by chance, except where the server named it', () => {
    const hasty = new Congestion(() => 1)
    const pauses = upTo(5).map((number) => {
      const before = hasty.pausedUntil === -Infinity ? 0 : hasty.pausedUntil
      start(hasty, number)
      hasty.refused(number, 20, 0, before)
      return hasty.pausedUntil - before
    })
    expect(pauses).toEqual([20, 20, 20, 375, 750])
  })
})

describe('how many requests may run at once', () => {
  it('all, before the server has refused a request', () => {
    const congestion = unhurried()
    start(congestion, ...upTo(500))
    expect(congestion.isFull).toBe(false)
  })

  it.each([
    [1, 1],
    [2, 1],
    [3, 1],
    [8, 4],
    [9, 4],
  ])('after %i refused requests: %i', (count, window) => {
    const congestion = unhurried()
    start(congestion, ...upTo(count))
    for (const number of upTo(count)) congestion.refused(number, 1, 0, 0)
    expect(room(congestion)).toBe(window)
  })

  it('requests that wait for a consumer do not count as running', () => {
    const congestion = unhurried()
    start(congestion, ...upTo(4))
    for (const number of upTo(4)) congestion.refused(number, 1, 0, 0)
    start(congestion, 5, 6)
    expect(congestion.isFull).toBe(true)
    congestion.rests(true)
    expect(room(congestion)).toBe(1)
    congestion.rests(true)
    expect(room(congestion)).toBe(2)
    congestion.rests(false)
    congestion.rests(false)
    expect(congestion.isFull).toBe(true)
  })

  it('a number that the server refuses again is tried after twice as many round trips each time', () => {
    const congestion = unhurried()
    start(congestion, 1, 2)
    congestion.refused(2, 1, 0, 0)
    congestion.succeeded(1)
    let number = 2
    const tries: number[] = []
    for (let i = 0; i < 9; i++) {
      let trips = 0
      for (; room(congestion) < 2; trips++) {
        start(congestion, (number += 1))
        congestion.succeeded(number)
      }
      tries.push(trips)
      start(congestion, number + 1, number + 2)
      number += 2
      congestion.refused(number, 1, 0, 0)
      congestion.succeeded(number - 1)
    }
    expect(tries).toEqual([0, 2, 5, 11, 23, 47, 95, 95, 95])
  })

  it('requests that wait for a consumer do not count where a refusal halves the number', () => {
    const congestion = unhurried()
    start(congestion, ...upTo(8))
    for (let i = 0; i < 4; i++) congestion.rests(true)
    congestion.refused(8, 1, 0, 0)
    // Four requests ran, so two may run. Three run still.
    congestion.succeeded(7)
    congestion.ended()
    expect(room(congestion)).toBe(1)
  })

  it('one more after each round trip that goes well, and all when the former number runs', () => {
    const congestion = unhurried()
    start(congestion, ...upTo(6))
    for (const number of upTo(6)) congestion.refused(number, 1, 0, 0)
    const rooms: number[] = []
    let number = 6
    for (let round = 0; round < 6; round++) {
      const count = room(congestion)
      rooms.push(count)
      const numbers = upTo(count).map((i) => number + i)
      start(congestion, ...numbers)
      for (const one of numbers) congestion.succeeded(one)
      number += count
    }
    expect(rooms.slice(0, 4)).toEqual([3, 3, 4, 5])
    expect(rooms.at(-1)).toBe(20)
  })

  it('a request may always start when no request runs', () => {
    const does = fc.constantFrom('start', 'refuse', 'succeed', 'fail', 'end')
    fc.assert(
      fc.property(fc.array(fc.tuple(does, fc.nat())), (steps) => {
        const congestion = unhurried()
        const running: number[] = []
        let number = 0
        for (const [what, which] of steps) {
          if (what === 'start') {
            if (congestion.isFull) {
              expect(running.length).toBeGreaterThan(0)
            } else {
              congestion.started((number += 1))
              running.push(number)
            }
            continue
          }
          const [one] = running.splice(which % running.length, 1)
          if (one === undefined) continue
          if (what === 'refuse') congestion.refused(one, undefined, 0, 0)
          else if (what === 'succeed') congestion.succeeded(one)
          else if (what === 'fail') congestion.failed(0)
          else congestion.ended()
        }
        running.forEach(() => {
          congestion.ended()
        })
        expect(congestion.isFull).toBe(false)
        expect(congestion.pausedUntil).toBeLessThanOrEqual(60_000)
      }),
    )
  })
})
