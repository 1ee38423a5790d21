import type { Usage } from '../api/answer.ts'
import type { Entry } from '../record/entry.ts'
import type { FinishedRequest } from '../answer/finished-request.ts'
import type { RequestEnd } from '../answer/request-end.ts'
import type { Votes } from '../record/outcome.ts'
import {
  wasteCauses,
  type AuditFindings,
  type AuditStats,
  type EscalationStats,
  type Pricing,
  type Stats,
  type Waiting,
  type WasteCause,
} from './stats.ts'

/** Counts everything that a stream does. No other file counts. */
export class Ledger {
  readonly #pricing: Pricing | undefined
  /** The prices of the second step. `undefined` without a second step. */
  readonly #second: { readonly pricing: Pricing | undefined } | undefined
  readonly #records = { read: 0, fulfilled: 0, rejected: 0 }
  readonly #elements = { invalid: 0, repeated: 0, unknown: 0, missing: 0 }
  readonly #tokens = { input: 0, cached: 0, output: 0, reasoning: 0, estimated: 0 }
  readonly #wasted = Object.fromEntries(wasteCauses.map((cause) => [cause, 0])) as Record<WasteCause, number>
  readonly #answers = { wrapped: 0, strayIds: 0 }
  readonly #cache = { hits: 0, shared: 0 }
  #votes: Stats['votes']
  readonly #requests = { pack: 0, retry: 0, audit: 0, escalation: 0 }
  readonly #audit = { input: 0, cached: 0, output: 0, reasoning: 0 }
  readonly #escalation = { input: 0, cached: 0, output: 0, reasoning: 0 }
  readonly #escalated = { records: 0, changed: 0, rescued: 0 }
  #rateLimited = 0
  #cost = 0

  /** @param second The prices of the second step, if there is a second step. */
  constructor(pricing: Pricing | undefined, second?: { readonly pricing: Pricing | undefined }) {
    this.#pricing = pricing
    this.#second = second
  }

  /** Counts a record that was read. Returns its index. */
  read(): number {
    return this.#records.read++
  }

  settled(status: 'fulfilled' | 'rejected'): void {
    if (this.unsettled === 0) throw new Error(`A record was ${status}, but none is unsettled`)
    this.#records[status] += 1
  }

  get records(): Readonly<Record<'fulfilled' | 'rejected', number>> {
    return this.#records
  }

  /** Number of records read. */
  get recordsRead(): number {
    return this.#records.read
  }

  get unsettled(): number {
    return this.#records.read - this.#records.fulfilled - this.#records.rejected
  }

  /**
   * Counts a request with new records, with records again, of the audit or of the second step.
   * Returns its number.
   */
  sent(kind: 'pack' | 'retry' | 'audit' | 'escalation'): number {
    this.#requests[kind] += 1
    return this.requests
  }

  /** Number of requests. */
  get requests(): number {
    const { pack, retry, audit, escalation } = this.#requests
    return pack + retry + audit + escalation
  }

  /**
   * Counts a record whose ballots have decided.
   *
   * @param votes `undefined`: all ballots were rejected.
   */
  voted(ballots: number, votes: Votes<unknown> | undefined): void {
    const before = this.#votes ?? { ballots: 0, split: 0, undecided: 0 }
    this.#votes = Object.freeze({
      ballots: before.ballots + ballots,
      split: before.split + (votes && votes.agreed < votes.count ? 1 : 0),
      undecided: before.undecided + (votes && !votes.hasMajority ? 1 : 0),
    })
  }

  /** Counts a record that the second step has settled. */
  escalated(gain: 'changed' | 'rescued' | undefined): void {
    this.#escalated.records += 1
    if (gain) this.#escalated[gain] += 1
  }

  /** Counts a record that needed no request of its own. */
  cached(how: 'hits' | 'shared'): void {
    this.#cache[how] += 1
  }

  element(kind: 'invalid' | 'repeated' | 'unknown'): void {
    this.#elements[kind] += 1
  }

  /**
   * Counts a finished request. `usage` comes from the API, or is an estimate if the API reported
   * none, or not all.
   */
  finished(pack: readonly Entry<unknown>[], run: FinishedRequest<unknown>, usage: Usage): void {
    const [first] = pack
    const own = first?.isAudit ? [this.#audit] : first?.isEscalated ? [this.#escalation] : []
    for (const tokens of [this.#tokens, ...own]) {
      tokens.input += usage.input
      tokens.cached += usage.cached
      tokens.output += usage.output
      tokens.reasoning += usage.reasoning
    }
    this.#tokens.estimated += tokensIn(usage) - tokensIn(run.usage)
    this.#cost += this.costOf(usage, pack)
    if (run.end.kind === 'rate_limit' || run.end.kind === 'too_large') this.#rateLimited += 1

    if (run.isWrapped) this.#answers.wrapped += 1
    if (run.hasStrayId) this.#answers.strayIds += 1

    const unsettled = run.unsettled.map(({ entry }) => entry)
    const missing = unsettled.filter((entry) => !entry.invalid)
    if (run.end.kind === 'complete') this.#elements.missing += missing.length
    const undone = causeOf(run.end)

    // The prompt's tokens are divided by the size of the records. The share of the unsettled
    // records is wasted.
    const undoneTokens = tokensOf(missing)
    const invalidTokens = tokensOf(unsettled) - undoneTokens
    this.#book(usage.input, [
      [undefined, tokensOf(pack) - undoneTokens - invalidTokens],
      ['invalid', invalidTokens],
      [undone, undoneTokens],
    ])
    // The answer's tokens are divided by the use of its characters. Text around the elements
    // belongs to no part.
    const { fulfilled, invalid, repeated, unknown, unfinished } = run.characters
    const isFrame = run.end.kind === 'complete' && run.elements > 0
    this.#book(usage.output, [
      [undefined, fulfilled],
      ['invalid', invalid],
      ['repeated', repeated],
      ['unknown', unknown],
      // Without a closed element the whole answer is wasted, also if the tokens produced no text.
      [undone, isFrame ? 0 : run.elements > 0 ? Math.max(0, unfinished) : 1],
    ])
  }

  /**
   * Divides tokens by weight, so that each token goes to exactly one part. Counts a part with a
   * cause as wasted.
   */
  #book(tokens: number, parts: readonly (readonly [WasteCause | undefined, number])[]): void {
    const whole = parts.reduce((sum, [, weight]) => sum + weight, 0)
    let weightSoFar = 0
    let tokensSoFar = 0
    for (const [cause, weight] of parts) {
      weightSoFar += weight
      const upTo = whole > 0 ? Math.round((tokens * weightSoFar) / whole) : 0
      if (cause !== undefined) this.#wasted[cause] += upTo - tokensSoFar
      tokensSoFar = upTo
    }
  }

  get #auditSpent(): Pick<AuditStats, 'requests' | 'tokens' | 'cost'> {
    return {
      requests: this.#requests.audit,
      tokens: Object.freeze({ ...this.#audit }),
      cost: this.#pricing && this.costOf(this.#audit),
    }
  }

  /** US dollars spent. */
  get cost(): number {
    return this.#cost
  }

  /**
   * Price of these tokens in US dollars.
   *
   * @param pack The records, which show the step.
   */
  costOf(usage: Usage, [first]: readonly Entry<unknown>[] = []): number {
    const pricing = first?.isEscalated ? this.#second?.pricing : this.#pricing
    return pricing ? costOf(pricing, usage) : 0
  }

  get #escalationStats(): EscalationStats | undefined {
    if (!this.#second) return undefined
    const { pricing } = this.#second
    return Object.freeze({
      ...this.#escalated,
      requests: this.#requests.escalation,
      tokens: Object.freeze({ ...this.#escalation }),
      cost: pricing && costOf(pricing, this.#escalation),
    })
  }

  /** @param findings What the audit has found. `undefined` without an audit. */
  snapshot(inFlight: number, cacheFailures: number, waiting?: Waiting, findings?: AuditFindings): Stats {
    const wasted = Object.values(this.#wasted).reduce((sum, tokens) => sum + tokens, 0)
    const escalation = this.#escalationStats
    const used = this.#tokens.input + this.#tokens.output - wasted
    return Object.freeze({
      records: Object.freeze({ ...this.#records, unsettled: this.unsettled }),
      packs: this.#requests.pack,
      retries: this.#requests.retry,
      requests: this.requests,
      rateLimited: this.#rateLimited,
      inFlight,
      waiting: waiting && Object.freeze(waiting),
      elements: Object.freeze({ ...this.#elements }),
      answers: Object.freeze({ ...this.#answers }),
      tokens: Object.freeze({ ...this.#tokens, used, wasted: Object.freeze({ ...this.#wasted }) }),
      cache: Object.freeze({ ...this.#cache, failures: cacheFailures }),
      ...(this.#votes && { votes: this.#votes }),
      cost: this.#pricing ? this.#cost : undefined,
      ...(findings && { audit: Object.freeze({ ...findings, ...this.#auditSpent }) }),
      ...(escalation && { escalation }),
    })
  }
}

/** Price of these tokens in US dollars. */
export function costOf(
  { input: full, cachedInput = full, output: written }: Pricing,
  { input, cached, output }: Omit<Usage, 'reasoning'>,
): number {
  return ((input - cached) * full + cached * cachedInput + output * written) / 1_000_000
}

function tokensIn(usage: Usage | undefined): number {
  return usage ? usage.input + usage.output : 0
}

function tokensOf(entries: readonly Entry<unknown>[]): number {
  // The user's token counter may return 0 for every text.
  return entries.reduce((sum, entry) => sum + Math.max(entry.tokens, 1), 0)
}

/** The cause under which the tokens of unsettled records are wasted. */
function causeOf(end: RequestEnd): WasteCause {
  switch (end.kind) {
    case 'complete':
      return 'missing'
    case 'stray':
      return 'unknown'
    case 'length':
    case 'refusal':
    case 'content_filter':
      return end.kind
    case 'failure':
      if (end.error.code === 'runaway') return 'runaway'
      return end.error.code.endsWith('_timeout') ? 'timeout' : 'failure'
    case 'context':
    case 'refused_request':
    case 'too_large':
    case 'cap_refused':
    case 'form_refused':
    case 'rate_limit':
    case 'fatal':
      return 'failure'
  }
}
