import type OpenAI from 'openai'
import { Console } from 'node:console'
import { validateHeaderValue } from 'node:http'
import type { FaultFlags, LatencyFlags } from '../flags/flags.ts'
import { UsageError } from '../flags/usage-error.ts'
import type { Io } from '../io.ts'

export interface EndpointFlags extends LatencyFlags, FaultFlags {
  simulate?: boolean
}

/** The server of the requests. */
export interface Endpoint {
  readonly client: OpenAI
  /** Its name in messages and in the state of a run, without secrets. */
  readonly name: string
  readonly close: () => Promise<void>
}

/** Outcomes say why requests failed, so the client logs nothing. Standard output is for records. */
const logging = ({ env, stderr }: Io) => ({
  ...(env['OPENAI_LOG'] ? {} : { logLevel: 'off' as const }),
  logger: new Console(stderr, stderr),
})

/** Opens the built-in simulator, or the server that the environment names. */
export async function openEndpoint(flags: EndpointFlags, io: Io): Promise<Endpoint> {
  const Client = await importOpenAI()
  if (flags.simulate) {
    const { startSimulation } = await import('./simulation.ts')
    const simulator = await startSimulation(flags)
    const client = new Client({ baseURL: simulator.baseURL, apiKey: 'simulator', ...logging(io) })
    return { client, name: 'simulator', close: () => simulator.close() }
  }
  const [key = '', server = ''] = ['OPENAI_API_KEY', 'OPENAI_BASE_URL'].map((name) => io.env[name]?.trim())
  if (key === '' && server === '') {
    throw new UsageError(
      'Expected OPENAI_API_KEY to be set (or OPENAI_BASE_URL, for a server that needs no key); --simulate needs neither',
    )
  }
  checkKey(key)
  const client = new Client({
    ...{ apiKey: key === '' ? 'none' : key, baseURL: server === '' ? null : server },
    ...logging(io),
  })
  return { client, name: nameOf(client.baseURL), close: () => Promise.resolve() }
}

/** Programs may use another client, so the package is an optional peer. */
async function importOpenAI(): Promise<typeof OpenAI> {
  const { default: client } = await import('openai').catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new UsageError('The command line needs the package openai: npm install openai', { cause })
  })
  return client
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
