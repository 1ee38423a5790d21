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
export type { Quality, Truth } from './quality/options.ts'
export type { QualityStats } from './quality/stats.ts'
export type { SimulatorOptions } from './options.ts'
export type { SimulatorStats } from './stats.ts'

/** A running simulator. */
export type Simulator = AsyncDisposable & {
  /** The `baseURL` for an OpenAI client: `http://127.0.0.1:PORT/v1`. */
  readonly baseURL: string
  /** Counts since the start. Each read returns a new object. */
  readonly stats: SimulatorStats
  /** Stops listening and breaks off the running answers. May be called more than once. */
  close(): Promise<void>
}

/**
 * Starts an OpenAI-compatible server on 127.0.0.1 for demos, tests and benchmarks.
 *
 * The simulator is **not a model**. It makes each answer from the request's own schema and
 * messages, and chooses labels by common words. The same request gets the same answer on both APIs.
 * The simulator speaks `POST /v1/chat/completions` and `POST /v1/responses`, with and without
 * streaming, and `GET /v1/models`. It has a model's latency. Rate limits and faults are optional.
 *
 * It refuses strict schemas that OpenAI would refuse, and requests for tool calls. It stores no
 * requests, so it also refuses requests that continue an earlier request.
 *
 * ```ts
 * await using simulator = await startSimulator()
 * const client = new OpenAI({ baseURL: simulator.baseURL, apiKey: 'simulator' })
 * ```
 *
 * @throws {TypeError | RangeError} For an option that is not allowed. The message names the option.
 * @throws The system's error if the port is not available, with a `code` such as `EADDRINUSE`.
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
      const { faults, quality } = engine.stats
      return { ...engine.stats, faults: { ...faults }, quality: { ...quality } }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
