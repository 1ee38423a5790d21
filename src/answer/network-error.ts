import { RequestError } from '../record/errors.ts'

/** Codes of Node, of undici and of the HTTP parser. Errors of `fetch` and of the SDK have none. */
const OF_NETWORK = /^(E[A-Z_]+|UND_ERR_\w+|HPE_\w+)?$/
/** Codes of OpenSSL and Node for a certificate. */
const OF_CERTIFICATE = /CERT|^UNABLE_TO_|^INVALID_CA$|^HOSTNAME_MISMATCH$/

/** A connection that could not be made, or broke off. */
export interface NetworkError {
  readonly error: RequestError
  /** The advice for a connection that no other try can make. */
  readonly advice: string | undefined
}

/** `undefined`: the error is about something else. */
export function networkError(thrown: unknown): NetworkError | undefined {
  const { code, type } = (thrown ?? {}) as { readonly code?: unknown; readonly type?: unknown }
  const own = [code, type].find(isWord) ?? ''
  if (!OF_NETWORK.test(own) && !OF_CERTIFICATE.test(own)) return undefined
  const cause = causeOf(thrown)
  const error = new RequestError(
    'connection',
    `The connection failed or broke off${cause === undefined ? '' : ` (${cause})`}`,
    { original: thrown },
  )
  return { error, advice: adviceFor(cause) }
}

function adviceFor(cause: string | undefined): string | undefined {
  if (cause === 'bad port')
    return '`fetch` connects to no server at the port of `client.baseURL`: use another port'
  if (!OF_CERTIFICATE.test(cause ?? '')) return undefined
  return (
    `Node.js does not trust the certificate of the server (${cause}): check \`client.baseURL\`, ` +
    'or put the file with the certificate of its authority into NODE_EXTRA_CA_CERTS'
  )
}

/** The code of Node or undici. The SDK and `fetch` wrap the error that has it. */
function causeOf(thrown: unknown): string | undefined {
  let error = thrown as LooseCause | null | undefined
  for (let depth = 0; depth < 5 && error !== null && typeof error === 'object'; depth++) {
    const { code, message } = error
    if (isWord(code) && (OF_NETWORK.test(code) || OF_CERTIFICATE.test(code))) return code
    if (message === 'bad port') return message
    error = (error.cause ?? error.errors?.[0]) as LooseCause | undefined
  }
  return undefined
}

interface LooseCause {
  readonly code?: unknown
  readonly message?: unknown
  readonly cause?: unknown
  readonly errors?: readonly unknown[]
}

/** A code is one word. Any other string may be private text. */
export function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.:-]{1,64}$/.test(value)
}
