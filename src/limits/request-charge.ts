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
