import { validateHeaderValue } from 'node:http'
import type { Quality } from '../../simulator/index.ts'
import { given } from '../flags/given.ts'
import type { FaultFlags, LatencyFlags } from '../flags/trial-flags.ts'
import { UsageError } from '../flags/usage-error.ts'
import { say, type Io } from '../io.ts'
import { HttpClient } from './http-client.ts'
import { useProxy } from './proxy.ts'

/** The server of OpenAI. */
const OPENAI_URL = 'https://api.openai.com/v1'

export interface EndpointFlags extends LatencyFlags, FaultFlags {
  simulate?: boolean
}

/** The server of the requests. */
export interface Endpoint {
  readonly client: HttpClient
  /** Its name in messages and in the state of a run, without secrets. */
  readonly name: string
  readonly close: () => unknown
}

/**
 * Opens the built-in simulator, or the server that the environment names.
 *
 * @param quality Which answers of the simulator are right.
 */
export async function openEndpoint(flags: EndpointFlags, io: Io, quality?: Quality): Promise<Endpoint> {
  const { env } = io
  // Standard output is for records.
  const log =
    env['OPENAI_LOG'] === 'debug'
      ? (line: string): void => {
          say(io, line)
        }
      : undefined
  if (flags.simulate) {
    const { startSimulation } = await import('./simulation.ts')
    const simulator = await startSimulation(flags, given({ quality }))
    const client = new HttpClient({ baseURL: simulator.baseURL, apiKey: 'simulator', log })
    return { client, name: 'simulator', close: () => simulator.close() }
  }
  const [apiKey = '', server = ''] = ['OPENAI_API_KEY', 'OPENAI_BASE_URL'].map((name) => env[name]?.trim())
  if (apiKey === '' && server === '') {
    throw new UsageError(
      'Expected OPENAI_API_KEY to be set (or OPENAI_BASE_URL, for a server that needs no key); --simulate needs neither',
    )
  }
  checkKey(apiKey)
  const [baseURL, organization, project] = [
    server || OPENAI_URL,
    env['OPENAI_ORG_ID'],
    env['OPENAI_PROJECT_ID'],
  ]
  const name = nameOf(baseURL)
  const { explain, close } = useProxy(baseURL, io)
  const client = new HttpClient({ baseURL, apiKey: apiKey || 'none', organization, project, log, explain })
  return { client, name, close }
}

/** Checks the key. With a bad key, each request would fail as if the connection were broken. */
function checkKey(key: string): void {
  try {
    validateHeaderValue('authorization', key)
  } catch {
    throw new UsageError(
      'OPENAI_API_KEY: there is a line break in it, or a character that no HTTP header can hold',
    )
  }
}

function nameOf(baseURL: string): string {
  const url = URL.parse(baseURL)
  if (url && url.username + url.password !== '') {
    throw new UsageError('OPENAI_BASE_URL: a URL with a user or a password cannot be used: Node refuses it')
  }
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.origin + url.pathname
  // The URL may hold a key.
  const shown = /[@?#]/.test(baseURL) ? '' : `, got ${JSON.stringify(baseURL)}`
  throw new UsageError(`OPENAI_BASE_URL: expected a URL such as http://127.0.0.1:8000/v1${shown}`)
}
