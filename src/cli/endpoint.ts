import OpenAI from 'openai'
import type { LatencyFlags } from './flags.ts'
import { inFlags, UsageError } from './usage-error.ts'

export interface EndpointFlags extends LatencyFlags {
  simulate?: boolean
  faultRate?: number
  faultSeed?: number
}

/** Where requests go. */
export interface Endpoint {
  readonly client: OpenAI
  /** As a person, and the record of a run, names it: without what may be secret. */
  readonly name: string
  readonly close: () => Promise<void>
}

/** Standard output is for records. What there is to log, `OPENAI_LOG` decides. */
const onStandardError = {
  error: console.error,
  warn: console.error,
  info: console.error,
  debug: console.error,
}

/** The embedded simulator, or what the environment names. */
export async function openEndpoint(flags: EndpointFlags): Promise<Endpoint> {
  if (flags.simulate) {
    const { startSimulation } = await import('./simulation.ts')
    const simulator = await startSimulation(flags, flags.faultSeed)
    const client = new OpenAI({ baseURL: simulator.baseURL, apiKey: 'simulator' })
    return { client, name: 'simulator', close: () => simulator.close() }
  }
  const { OPENAI_API_KEY, OPENAI_BASE_URL } = process.env
  if (!OPENAI_API_KEY && !OPENAI_BASE_URL) {
    throw new UsageError(
      'Expected OPENAI_API_KEY to be set (or OPENAI_BASE_URL, for a server that needs no key); --simulate needs neither',
    )
  }
  const client = inFlags(() => new OpenAI({ apiKey: OPENAI_API_KEY ?? 'none', logger: onStandardError }))
  const { origin, pathname } = new URL(client.baseURL)
  return { client, name: origin + pathname, close: () => Promise.resolve() }
}
