import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { SimulatorOptions, SimulatorStats } from 'llm-pack-stream/simulator'
import { FROM_SOURCE } from './run.ts'

export interface SimulatorProcess {
  readonly baseURL: string
  stats: () => Promise<SimulatorStats>
  stop: () => Promise<void>
}

/**
 * The simulator in its own process, so that it does not wait for the client and its CPU time does
 * not count as the client's.
 */
export async function startSimulatorProcess(options: SimulatorOptions): Promise<SimulatorProcess> {
  const json = JSON.stringify(options, (_key, value: unknown) => {
    if (value === Infinity) return 'Infinity'
    return value instanceof RegExp ? { regexp: value.source } : value
  })
  const child = fork(new URL('simulator-child.ts', import.meta.url), [json], { execArgv: [FROM_SOURCE] })
  const hear = async (): Promise<unknown> => {
    const [message] = (await once(child, 'message')) as unknown[]
    return message
  }
  const baseURL = (await hear()) as string
  return {
    baseURL,
    async stats() {
      child.send('stats')
      return (await hear()) as SimulatorStats
    },
    async stop() {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}
