import * as http from 'node:http'
import { UsageError } from '../flags/usage-error.ts'
import { say, type Io } from '../io.ts'
import { explainProxy } from './proxy-error.ts'

type SetProxy = (env: Readonly<Record<string, string | undefined>>) => () => void

/** Node's own function, from 24.14 on. It returns a function that undoes it. */
const { setGlobalProxyFromEnv } = http as { readonly setGlobalProxyFromEnv?: SetProxy }

export interface UsedProxy {
  /** Explains an error of a request, if the proxy caused the error. */
  readonly explain: (error: unknown) => unknown
  /** Lets further requests go without the proxy. */
  readonly close: () => void
}

const NO_PROXY: UsedProxy = { explain: (error) => error, close: () => undefined }

/**
 * Sends the requests of `fetch` through the proxy that `HTTPS_PROXY` or `HTTP_PROXY` names, except
 * to the hosts of `NO_PROXY`. The names may have small letters.
 *
 * A Node that cannot do this gets a notice.
 *
 * @throws {UsageError} If a proxy is no URL. The message has no part of it: it may hold a password.
 */
export function useProxy(
  baseURL: string,
  io: Pick<Io, 'env' | 'stderr'>,
  setProxy = setGlobalProxyFromEnv,
): UsedProxy {
  const { env } = io
  const server = new URL(baseURL)
  const lower = server.protocol === 'https:' ? 'https_proxy' : 'http_proxy'
  const name = [lower, lower.toUpperCase()].find((variable) => env[variable])
  if (name === undefined) return NO_PROXY
  const url = URL.parse(env[name] ?? '')
  const explain = (error: unknown) =>
    url ? explainProxy({ name, url, server: server.hostname }, error) : error
  if (setProxy) {
    try {
      return { explain, close: setProxy(env) }
    } catch {
      const names = [name, 'http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY']
      const bad = names.find((one) => env[one] && !/^https?:/.test(URL.parse(env[one])?.protocol ?? ''))
      throw new UsageError(`${bad ?? name}: expected the URL of a proxy, such as http://127.0.0.1:8080`)
    }
  }
  // Older versions read this variable at their start, from 22.21 on.
  if (env['NODE_USE_ENV_PROXY'] === '1') return { ...NO_PROXY, explain }
  say(
    io,
    `${name} is set, but this Node (${process.versions.node}) does not use it by itself: ` +
      'set NODE_USE_ENV_PROXY=1 (Node 22.21 or newer), or use Node 24.14 or newer.',
  )
  return NO_PROXY
}
