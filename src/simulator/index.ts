import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Engine } from './engine.ts'
import { route } from './http.ts'
import { resolveOptions, type SimulatorOptions } from './options.ts'
import type { SimulatorStats } from './stats.ts'

export { faultKinds } from './faults/kinds.ts'
export type { FaultKind, FaultName, Faults, PoisonKind } from './faults/kinds.ts'
export type { Latency } from './latency.ts'
/** For `plan`. @internal */
export { decodeSpeed, defaultLatency, firstTokenDelay, workUntil } from './latency.ts'
export type { Limits } from './limits.ts'
export type { SimulatorOptions } from './options.ts'
export type { SimulatorStats } from './stats.ts'

/** A running simulator. */
export type Simulator = AsyncDisposable & {
  /** For an OpenAI client's `baseURL`: `http://127.0.0.1:PORT/v1`. */
  readonly baseURL: string
  /** What it has done so far: a new object with each reading. */
  readonly stats: SimulatorStats
  /** Stops listening and cuts the answers that are being written. May be called more than once. */
  close(): Promise<void>
}

/**
 * Starts an OpenAI-compatible server on 127.0.0.1 for demos, tests and benchmarks. It is **not a model**: it makes
 * its answers from each request's own schema and messages, choosing labels by words in common, and gives the same
 * answer to the same request, on whichever API. It speaks `POST /v1/chat/completions` and `POST /v1/responses`,
 * streamed or not, and `GET /v1/models`, takes its time as a model does, keeps rate limits if told to, and misbehaves if
 * told to. It refuses the strict schemas that OpenAI would refuse, requests for tool calls, and, as it stores nothing,
 * requests that go on from an earlier one.
 *
 * ```ts
 * await using simulator = await startSimulator()
 * const client = new OpenAI({ baseURL: simulator.baseURL, apiKey: 'simulator' })
 * ```
 *
 * @throws TypeError, RangeError for an option that is not allowed, with the option's name.
 * @throws The system's error if the port cannot be had, with `code` such as `EADDRINUSE`.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const resolved = resolveOptions(options)
  const engine = new Engine(resolved)
  const server = createServer((request, response) => {
    route(engine, resolved.apiKey, request, response)
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(resolved.port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port } = server.address() as AddressInfo

  let closed: Promise<void> | undefined
  const close = () =>
    (closed ??= new Promise((resolve) => {
      engine.stop()
      server.close(() => {
        resolve()
      })
      server.closeAllConnections()
    }))

  return {
    baseURL: `http://127.0.0.1:${port}/v1`,
    get stats() {
      return { ...engine.stats, faults: { ...engine.stats.faults } }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
