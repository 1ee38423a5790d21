import type { PackRun } from '../answer/finished-request.ts'
import type { Permit } from './rate-limiter.ts'
import type { RequestEnd } from '../answer/request-end.ts'
import type { Shipment } from '../stream/run-request.ts'

/** Characters to a token, as OpenAI estimates a request's charge against the rate limit. */
const CHARACTERS_PER_TOKEN = 4

/** What a provider charges against the limit of tokens per minute: the larger of the prompt's estimate and the cap. */
export function chargeOf(system: string, { user, cap }: Pick<Shipment<unknown>, 'user' | 'cap'>): number {
  const prompt = Math.ceil((system.length + user.length) / CHARACTERS_PER_TOKEN)
  return Math.max(prompt, cap ?? 0)
}

/**
 * Tells the limiter how a request ended, and finds out whether waiting will help.
 *
 * @param limiter The one that gave the permit: what it learns from this counts already.
 * @param isOurs Whether it was ended from this side.
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
    // An answer that broke off without a single element is none. One that went on and on came from a healthy server.
    const isNone = elements === 0 && end.kind === 'failure' && end.error.code !== 'runaway'
    if (isOurs || end.kind === 'fatal') permit.cancel()
    else permit.end(!isNone, now)
    return end
  }
  permit.rateLimited(end.headers, now, end.tooLarge?.limit)
  // Larger than all that is allowed in a minute: no waiting will help.
  const { largestRequest } = limiter
  const isTooLarge = charge > largestRequest || (end.tooLarge !== undefined && largestRequest === Infinity)
  return isTooLarge ? { kind: 'too_large', error: end.error } : end
}
