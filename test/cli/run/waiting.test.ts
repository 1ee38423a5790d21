import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished, vi } from 'vitest'
import { Workplace } from '../../helpers/cli.ts'

it('a run tells a person, also in a pipe, that each request is refused by 429', async () => {
  using place = new Workplace({ 'in.jsonl': '{"text":"one"}\n{"text":"two"}\n' })
  let status = 429
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '1' })
    response.end(JSON.stringify({ error: { message: 'no', code: 'RESOURCE_EXHAUSTED' } }))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const { promise: waits, resolve: hear } = Promise.withResolvers<unknown>()
  subscribe('llm-pack-stream:waiting', hear)
  onTestFinished(() => void unsubscribe('llm-pack-stream:waiting', hear))
  // The time of the run goes on, and only its checks run faster.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const ended = place.run([...place.job(), '-o', 'out.jsonl'], {
    env: { OPENAI_API_KEY: 'k', OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` },
  })
  await waits
  vi.advanceTimersByTime(15_000)
  status = 401
  const { code, stderr } = await ended
  expect(stderr).toMatch(
    /^Waiting: rate limited( until \d\d:\d\d:\d\d)?, the server says 429 RESOURCE_EXHAUSTED\n/,
  )
  expect(stderr.match(/Waiting/g)).toHaveLength(1)
  expect(code).toBe(3)
})
