import { describe, expect, it } from 'vitest'
import { RateLimiter } from '../../src/limits/rate-limiter.ts'
import { RateLimits } from '../../src/simulator/limits.ts'

const MINUTE = 60_000

/** Returns the same sequence of numbers from 0 to 1 in each run. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

interface Run {
  readonly limiters: readonly RateLimiter[]
  readonly server: { requestsPerMinute?: number; tokensPerMinute?: number }
  /** Smallest and largest number of tokens that a request is charged. */
  readonly tokens: readonly [number, number]
  readonly maxInFlight: number
  /** Whether the client sees the server's headers. */
  readonly showsHeaders: boolean
  readonly minutes: number
}

/**
 * Runs streams that always have a request to send against the simulator's limits, with the delays
 * of a network and a model.
 */
function simulate({ limiters, server, tokens: [least, most], maxInFlight, showsHeaders, minutes }: Run) {
  const random = randomNumbers(7)
  const between = (from: number, to: number): number => from + random() * (to - from)
  const limits = new RateLimits(server, 0)
  const events: { time: number; happen: () => void }[] = []
  const after = (ms: number, happen: () => void): void => {
    events.push({ time: now + ms, happen })
  }
  let now = 0
  let firstAnswer = Infinity
  const perStream = limiters.map(() => 0)
  const count = { requests: 0, tokens: 0, refused: 0, sentSinceFirst: 0, refusedSinceFirst: 0 }

  for (const [stream, limiter] of limiters.entries()) {
    let running = 0
    let next = Math.round(between(least, most))
    let alarm = 0
    const pump = (): void => {
      const id = (alarm += 1)
      while (running < maxInFlight) {
        const wait = limiter.delay(next, now, pump)
        if (wait === Infinity) {
          limiter.whenFree(pump)
          return
        }
        if (wait > 0) {
          limiter.whenFree(pump)
          after(wait, () => {
            if (id === alarm) pump()
          })
          return
        }
        send(next)
        next = Math.round(between(least, most))
      }
    }
    const send = (tokens: number): void => {
      const permit = limiter.start(tokens, now, pump)
      const startedAt = now
      running += 1
      after(between(5, 50), () => {
        const refusal = limits.take(now, tokens)
        const shown = showsHeaders ? limits.headers(now) : undefined
        if (startedAt >= firstAnswer) count.sentSinceFirst += 1
        if (refusal) {
          count.refused += 1
          if (startedAt >= firstAnswer) count.refusedSinceFirst += 1
          after(between(5, 50), () => {
            running -= 1
            permit.rateLimited({ ...shown, 'retry-after-ms': String(refusal.wait) }, now)
            pump()
          })
          return
        }
        count.requests += 1
        perStream[stream]! += 1
        count.tokens += tokens
        after(between(100, 1_000), () => {
          firstAnswer = Math.min(firstAnswer, now)
          permit.report(shown, now)
        })
        after(between(1_000, 8_000), () => {
          running -= 1
          permit.end(true, 0)
          pump()
        })
      })
    }
    pump()
  }

  for (;;) {
    const soonest = events.reduce((best, event, i) => (event.time < events[best]!.time ? i : best), 0)
    const [event] = events.splice(soonest, 1)
    if (!event || event.time > minutes * MINUTE) break
    now = event.time
    event.happen()
  }
  return {
    ...count,
    perStream,
    requestShare: count.requests / ((server.requestsPerMinute ?? Infinity) * minutes),
    tokenShare: count.tokens / ((server.tokensPerMinute ?? Infinity) * minutes),
  }
}

describe("against the simulator's limits", () => {
  const servers: [name: string, server: Run['server'], tokens: [number, number]][] = [
    ['requests bind', { requestsPerMinute: 60, tokensPerMinute: 1_000_000 }, [500, 3_000]],
    ['tokens bind', { requestsPerMinute: 500, tokensPerMinute: 200_000 }, [500, 3_000]],
    ['both nearly bind', { requestsPerMinute: 100, tokensPerMinute: 180_000 }, [500, 3_000]],
    ['requests of up to half a minute', { tokensPerMinute: 20_000 }, [2_000, 10_000]],
    ['very few requests', { requestsPerMinute: 3 }, [500, 3_000]],
  ]

  it.each(servers)('known limits are never exceeded, and used to 90%: %s', (_name, server, tokens) => {
    for (const showsHeaders of [true, false]) {
      const limiter = new RateLimiter(server, randomNumbers(1))
      const run = simulate({
        limiters: [limiter],
        server,
        tokens,
        maxInFlight: 32,
        showsHeaders,
        minutes: 20,
      })
      expect(run.refused).toBe(0)
      expect(Math.max(run.requestShare, run.tokenShare)).toBeGreaterThan(0.9)
    }
  })

  it.each(servers)(
    'limits from headers are rarely exceeded after the first response, and used to 90%: %s',
    (_name, server, tokens) => {
      const limiter = new RateLimiter({}, randomNumbers(1))
      const run = simulate({
        ...{ limiters: [limiter], server, tokens, maxInFlight: 32, showsHeaders: true, minutes: 20 },
      })
      expect(run.sentSinceFirst).toBeGreaterThan(20)
      expect(run.refusedSinceFirst).toBeLessThan(run.sentSinceFirst / 100)
      expect(Math.max(run.requestShare, run.tokenShare)).toBeGreaterThan(0.9)
    },
  )

  it('two streams with one limiter use the whole limit, half each', () => {
    const server = { requestsPerMinute: 60 }
    const limiter = new RateLimiter(server, randomNumbers(1))
    const run = simulate({
      ...{ limiters: [limiter, limiter], server, showsHeaders: true, minutes: 20 },
      ...{ tokens: [500, 3_000], maxInFlight: 16 },
    })
    expect(run.refused).toBe(0)
    expect(run.requestShare).toBeGreaterThan(0.9)
    expect(Math.min(...run.perStream)).toBeGreaterThan(0.45 * run.requests)
  })

  it('two processes with a limiter each use nearly the whole limit, with few refusals', () => {
    const server = { requestsPerMinute: 120, tokensPerMinute: 1_000_000 }
    const run = simulate({
      ...{
        limiters: [1, 2].map((seed) => new RateLimiter({}, randomNumbers(seed))),
        server,
        showsHeaders: true,
      },
      ...{ tokens: [500, 3_000], maxInFlight: 16, minutes: 20 },
    })
    expect(run.requestShare).toBeGreaterThan(0.9)
    expect(run.refused / (run.requests + run.refused)).toBeLessThan(0.1)
  })
})
