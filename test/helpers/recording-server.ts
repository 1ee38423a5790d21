import { createServer, request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { startSimulator, type SimulatorOptions } from 'llm-pack-stream/simulator'
import { settle } from './collect.ts'

/**
 * A simulator that counts how often each record was sent. It finds records by the words `number N`
 * in their text.
 */
export interface RecordingServer extends AsyncDisposable {
  readonly baseURL: string
  /** Number of times that each record was sent. */
  readonly asked: Map<number, number>
  readonly requests: RecordedRequest[]
  /** Waits until a request has come. */
  nextRequest: () => Promise<void>
  /** Waits until no client is connected. A killed process has sent all its requests by then. */
  allGone: () => Promise<void>
}

export interface RecordedRequest {
  readonly records: readonly number[]
}

export async function startRecordingServer(options: SimulatorOptions): Promise<RecordingServer> {
  const simulator = await startSimulator(options)
  const { port, pathname } = new URL(simulator.baseURL)
  const asked = new Map<number, number>()
  const requests: RecordedRequest[] = []
  const waiting: (() => void)[] = []
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const body = await text(incoming)
      const { messages } = JSON.parse(body) as { messages: { role: string; content: string }[] }
      const user = messages.find(({ role }) => role === 'user')?.content ?? ''
      const records = Array.from(user.matchAll(/number (\d+)/g), ([, number]) => Number(number))
      for (const record of records) asked.set(record, (asked.get(record) ?? 0) + 1)
      requests.push({ records })
      for (const resolve of waiting.splice(0)) resolve()
      const inner = request({ port, method: 'POST', path: incoming.url, headers: incoming.headers })
      outgoing.once('close', () => inner.destroy())
      inner.on('error', () => outgoing.destroy())
      inner.end(body)
      const [answer] = (await once(inner, 'response')) as [IncomingMessage]
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })().catch(() => outgoing.destroy())
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    asked,
    requests,
    nextRequest: () =>
      new Promise((resolve) => {
        waiting.push(resolve)
      }),
    async allGone() {
      // The server learns here of the connections that the system has accepted.
      await settle()
      await Promise.all(
        Array.from(sockets, (socket) => new Promise((resolve) => socket.once('close', resolve))),
      )
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await simulator.close()
    },
  }
}
