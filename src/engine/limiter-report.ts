import type { FinishedRequest } from '../answer/finished-request.ts'
import type { RequestEnd } from '../answer/request-end.ts'
import type { Permit } from '../limits/rate-limiter.ts'

/**
 * Tells the limiter how a request ended, and returns the end as it counts from here on: a request
 * that no waiting can help was too large for the limit.
 *
 * @param isAborted Whether this side ended the request, which says nothing about the server.
 */
export function reportEnd(
  { end, elements }: Pick<FinishedRequest<unknown>, 'end' | 'elements'>,
  permit: Permit,
  isAborted: boolean,
  now: number,
): RequestEnd {
  if (end.kind === 'rate_limit') {
    const willWaitingHelp = permit.rateLimited(end.headers, now, end.tooLarge)
    return willWaitingHelp ? end : { kind: 'too_large', error: end.error }
  }
  if (isAborted || end.kind === 'fatal') {
    permit.cancel()
  } else {
    // A server that breaks off before the first element is ill. A runaway answer is the model's fault.
    const isIll = end.kind === 'failure' && elements === 0 && end.error.code !== 'runaway'
    permit.end(!isIll, now)
  }
  return end
}
