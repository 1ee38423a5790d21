import type { FinishedRequest } from '../answer/finished-request.ts'
import type { RequestEnd } from '../answer/request-end.ts'
import type { Permit } from '../limits/rate-limiter.ts'

/**
 * Tells the limiter how a request ended. Returns the end that counts from here on: a refused
 * request becomes `too_large` if waiting cannot help.
 *
 * @param isAborted Whether the stream aborted the request. Then the end says nothing about the
 *   server.
 */
export function reportEnd(
  { end, elements }: Pick<FinishedRequest<unknown>, 'end' | 'elements'>,
  permit: Permit,
  isAborted: boolean,
  now: number,
): RequestEnd {
  if (end.kind === 'rate_limit') {
    const willWaitingHelp = permit.rateLimited(end.headers, now, end.tooLarge, end.error.message)
    return willWaitingHelp ? end : { kind: 'too_large', error: end.error }
  }
  if (isAborted || end.kind === 'fatal') {
    permit.cancel()
  } else {
    // A server that breaks off before the first element has a problem. The model causes a runaway.
    const isIll = end.kind === 'failure' && elements === 0 && end.error.code !== 'runaway'
    if (isIll) permit.end(false, now, end.error.message)
    else permit.end(true, now)
  }
  return end
}
