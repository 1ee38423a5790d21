import { describe, expect, it } from 'vitest'
import { RateLimiter } from '../../src/limits/rate-limiter.ts'
import { random } from '../helpers/random.ts'

const MINUTE = 60_000
/** Duration of an answer, and of a refusal, in ms. */
const ANSWER_MS = 100
const REFUSAL_MS = 2

interface Run {
  /** Requests that the server takes at once. It refuses others with a 429. */
  readonly takes: number
  readonly streams: number
  /** Streams, of all streams, whose consumer takes no more outcomes after some answers. */
  readonly stalled?: number
  readonly maxInFlight: number
  readonly headers?: Record<string, string>
}

/**
 * Simulates ten minutes of streams that share a limiter and always have a request to send. Returns
 * the answered requests as a share of what the server could answer, for each minute.
 */
function shares({ takes, streams, stalled = 0, maxInFlight, headers }: Run): number[] {
  const limiter = new RateLimiter({}, random(1))
  const answered = Array<number>(10).fill(0)
  const events: { time: number; happen: () => void }[] = []
  let now = 0
  let running = 0
  const after = (ms: number, happen: () => void): void => {
    const at = events.findLastIndex(({ time }) => time <= now + ms) + 1
    events.splice(at, 0, { time: now + ms, happen })
  }
  for (let stream = 0; stream < streams; stream++) {
    let inFlight = 0
    let taken = 0
    let alarm = 0
    const pump = (): void => {
      const id = (alarm += 1)
      while (inFlight < maxInFlight) {
        const wait = limiter.delay(100, now, pump)
        if (wait > 0) limiter.whenFree(pump)
        if (wait > 0 && wait < Infinity) {
          after(wait, () => {
            if (id === alarm) pump()
          })
        }
        if (wait > 0) return
        send()
      }
    }
    const send = (): void => {
      const permit = limiter.start(100, now, pump)
      inFlight += 1
      const isTaken = running < takes
      if (isTaken) running += 1
      after(isTaken ? ANSWER_MS : REFUSAL_MS, () => {
        if (isTaken) {
          running -= 1
          answered[Math.floor(now / MINUTE)]! += 1
          taken += 1
        }
        if (isTaken && stream < stalled && taken > 7) {
          permit.rest(true)
          return
        }
        inFlight -= 1
        if (isTaken) permit.end(true, now)
        else permit.rateLimited(headers, now)
        pump()
      })
    }
    pump()
  }
  for (let next = events.shift(); next && next.time < 10 * MINUTE; next = events.shift()) {
    now = next.time
    next.happen()
  }
  return answered.map((count) => count / ((takes * MINUTE) / ANSWER_MS))
}

describe('a server that takes few requests at once and refuses others', () => {
  it.each<Run>([
    { takes: 1, streams: 1, maxInFlight: 1 },
    { takes: 1, streams: 1, maxInFlight: 2 },
    { takes: 1, streams: 1, maxInFlight: 4 },
    { takes: 1, streams: 1, maxInFlight: 4, headers: { 'retry-after': '1' } },
    { takes: 1, streams: 12, maxInFlight: 4 },
    { takes: 2, streams: 1, maxInFlight: 4, headers: { 'retry-after-ms': '100' } },
    { takes: 3, streams: 12, maxInFlight: 4, headers: { 'retry-after-ms': '20' } },
    { takes: 16, streams: 12, maxInFlight: 4 },
  ])('is used to the full: %j', (run) => {
    const all = shares(run)
    expect(all[0]).toBeGreaterThan(0.75)
    for (const share of all.slice(1)) expect(share).toBeGreaterThan(0.9)
  })

  it.each([1, 3, 11])('is used to the full while %i of 12 consumers stand still', (stalled) => {
    const headers = { 'retry-after-ms': '20' }
    const all = shares({ takes: 3, streams: 12, stalled, maxInFlight: 4, headers })
    for (const share of all) expect(share).toBeGreaterThan(0.8)
  })
})
