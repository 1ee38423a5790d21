import type { PackRun } from '../answer/finished-request.ts'
import type { Permit } from './rate-limiter.ts'
import type { RequestEnd } from '../answer/request-end.ts'

/** Characters per token in OpenAI's estimate of a request's charge against the rate limit. */
const CHARACTERS_PER_TOKEN = 4

/**
 * Tokens that a provider charges against the limit per minute: the estimate of the prompt or the
 * output cap, the larger of the two.
 *
 * @param characters The length of all messages.
 */
export function chargeOf(characters: number, cap = 0): number {
  return Math.max(Math.ceil(characters / CHARACTERS_PER_TOKEN), cap)
}

/**
 * Tells the limiter how a request ended, and decides whether waiting can help.
 *
 * @param limiter The limiter that gave the permit. Its state already includes this request's
 *   report.
 * @param isOurs Whether the stream ended the request itself.
 */
export function reportEnd(
  { end, elements }: Pick<PackRun<unknown>, 'end' | 'elements'>,
  charge: number,
  permit: Permit,
  limiter: { readonly largestRequest: number },
  isOurs: boolean,
): RequestEnd {
  const now = performance.now()
  if (end.kind !== 'rate_limit') {
    // A failed answer without a single element says that the server has a problem. A runaway answer
    // came from a healthy server.
    const isSick = elements === 0 && end.kind === 'failure' && end.error.code !== 'runaway'
    if (isOurs || end.kind === 'fatal') permit.cancel()
    else permit.end(!isSick, now)
    return end
  }
  permit.rateLimited(end.headers, now, end.tooLarge?.limit)
  // The request is larger than the whole limit per minute, so waiting cannot help.
  const { largestRequest } = limiter
  const isTooLarge = charge > largestRequest || (end.tooLarge !== undefined && largestRequest === Infinity)
  return isTooLarge ? { kind: 'too_large', error: end.error } : end
}
