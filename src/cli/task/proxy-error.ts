import { RequestError } from '../../index.ts'

/** The proxy of a job. */
export interface Proxy {
  /** The variable that names it. */
  readonly name: string
  readonly url: URL
  /** The host of the server. */
  readonly server: string
}

/** An error of `fetch`, or of a part of Node below it. */
interface LooseError {
  readonly message?: string
  readonly code?: unknown
  readonly port?: unknown
  readonly hostname?: unknown
  readonly cause?: LooseError
  readonly errors?: readonly LooseError[]
}

/**
 * Explains an error that the proxy caused. Other errors stay as they are, such as errors of a
 * server that `NO_PROXY` names. The message has no password.
 */
export function explainProxy(proxy: Proxy, thrown: unknown): unknown {
  for (let error = thrown as LooseError | undefined; error; error = error.cause ?? error.errors?.[0]) {
    const why = whyOf(proxy, error)
    if (why === undefined) continue
    return new RequestError('connection', `The proxy ${proxy.url.host} ${why}`, { original: thrown })
  }
  return thrown
}

function whyOf(proxy: Proxy, { message = '', code, port, hostname }: LooseError): string | undefined {
  const { name, url, server } = proxy
  const [, status] = /^Proxy response \((\d+)\)/.exec(message) ?? []
  if (status !== undefined) return `${refusalOf(Number(status), proxy)} (${status})`
  const place = `${url.hostname}:${portOf(url)}`
  // An error of a connection has its port, of a name its host, and of a time limit a text.
  const isThere = port === Number(portOf(url)) || hostname === url.hostname || message.includes(place)
  if (typeof code !== 'string' || !isThere) return undefined
  return `cannot be reached: check ${name}, or write ${server} into NO_PROXY to send without the proxy (${code})`
}

function refusalOf(status: number, { name, url, server }: Proxy): string {
  if (status === 407) {
    return url.username === ''
      ? `wants a user and a password: write ${name} as ${url.protocol}//USER:PASSWORD@${url.host}`
      : `refuses the user or the password in ${name}: check both, with signs such as @ written as %40`
  }
  return status < 500
    ? `refuses to connect to ${server}: let its administrator allow ${server}`
    : `does not reach ${server}: try again later, or ask its administrator`
}

function portOf({ port, protocol }: URL): string {
  return port || (protocol === 'https:' ? '443' : '80')
}
