import { request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { body, post, start } from '../helpers.ts'

describe('clients that come and go', () => {
  const slow = {
    timeToFirstToken: 0,
    promptTokensPerSecond: Infinity,
    outputTokensPerSecond: 100,
    slowdown: 0,
  }

  test.each([true, false])(
    'writing stops when the client closes the connection, stream %s',
    async (stream) => {
      await using simulator = await start({ latency: slow })
      const controller = new AbortController()
      void post(simulator, body({ stream }, 200), {}, controller.signal).catch(() => undefined)
      await expect.poll(() => simulator.stats.outputTokens).toBeGreaterThan(0)
      expect(simulator.stats).toMatchObject({ inFlight: 1, aborted: 0 })
      controller.abort()
      await expect.poll(() => simulator.stats.inFlight).toBe(0)
      const { outputTokens, ...stats } = simulator.stats
      expect(stats).toMatchObject({
        requests: 1,
        streamed: Number(stream),
        completed: 0,
        aborted: 1,
        inFlight: 0,
      })
      // The whole answer has more tokens.
      expect(outputTokens).toBeLessThan(1_000)
      await sleep(50)
      expect(simulator.stats.outputTokens).toBe(outputTokens)
    },
  )

  test('close breaks off running answers and does not count them as aborted', async () => {
    const simulator = await start({ latency: slow })
    const response = await post(simulator, body({ stream: true }, 200))
    const reading = response.text().then(
      () => 'ended',
      () => 'cut',
    )
    await simulator.close()
    await simulator.close()
    expect(await reading).toBe('cut')
    expect(simulator.stats).toMatchObject({ completed: 0, aborted: 0, inFlight: 0, maxInFlight: 1 })
    await expect(post(simulator, body())).rejects.toThrow()
  })

  test('a client that does not read fills only its buffers, and gets the whole answer when it reads', async () => {
    await using simulator = await start({ contextTokens: 10_000_000 })
    const url = new URL(`${simulator.baseURL}/chat/completions`)
    const received = await new Promise<string>((resolve, reject) => {
      const request = httpRequest(url, { method: 'POST' }, (response) => {
        response.pause()
        void sleep(150)
          .then(() => {
            // About 40 MB of events, which is far more than sockets buffer.
            expect(simulator.stats.outputTokens).toBeLessThan(100_000)
            expect(simulator.stats.inFlight).toBe(1)
            let tail = ''
            response.on('data', (chunk: Buffer) => (tail = (tail + chunk.toString()).slice(-100)))
            response.on('end', () => {
              resolve(tail)
            })
            response.resume()
          })
          .catch(reject)
      })
      request.on('error', reject)
      request.end(JSON.stringify(body({ stream: true }, 20_000)))
    })
    expect(received).toMatch(/data: \[DONE\]\n\n$/)
    expect(simulator.stats).toMatchObject({ completed: 1, aborted: 0, inFlight: 0 })
    expect(simulator.stats.outputTokens).toBeGreaterThan(120_000)
  })

  test('counts the answers that are written at the same time', async () => {
    await using simulator = await start({ latency: { ...slow, timeToFirstToken: 600_000 } })
    const controller = new AbortController()
    const send = () => post(simulator, body(), {}, controller.signal).catch(() => undefined)
    const sent = Array.from({ length: 5 }, send)
    await expect.poll(() => simulator.stats.inFlight).toBe(5)
    controller.abort()
    await Promise.all(sent)
    await expect.poll(() => simulator.stats.inFlight).toBe(0)
    expect(simulator.stats).toMatchObject({ requests: 5, aborted: 5, maxInFlight: 5 })
  })
})
