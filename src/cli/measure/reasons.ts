import type { RequestEndEvent, Waiting } from '../../index.ts'
import type { Reason } from '../../files/index.ts'
import { withFlags } from '../flags/usage-error.ts'

/** Number of reasons that are counted one by one. All further reasons count together. */
const MOST_REASONS = 50
const OTHERS = 'other reasons'
/** Longest reason, in characters. */
const REASON_LENGTH = 300

/** A reason, and how often it was seen. */
export interface Counted {
  readonly reason: string
  readonly count: number
}

/** Why records of a run had no result at once, or got none: the most frequent reasons first. */
export interface RunReasons {
  /** Records that were rejected. */
  readonly rejected: readonly (Counted & { readonly code: string })[]
  /** Requests that left records without a result, which were then asked again or rejected. */
  readonly retried: readonly Counted[]
  /** Pauses in which nothing was sent. */
  readonly waited: readonly (Counted & { readonly for: Waiting['for']; readonly seconds: number })[]
}

/** Counts by reason, in bounded memory. */
export class Counts<T extends object> {
  readonly #all = new Map<string, T & { reason: string; count: number }>()
  readonly #make: () => T

  /** @param make Makes what is kept beside a count. */
  constructor(make: () => T) {
    this.#make = make
  }

  add(reason: string): T & { reason: string; count: number } {
    const key = this.#all.has(reason) || this.#all.size < MOST_REASONS ? reason : OTHERS
    const counted = this.#all.get(key) ?? { ...this.#make(), reason: key, count: 0 }
    counted.count += 1
    this.#all.set(key, counted)
    return counted
  }

  get list(): (T & Counted)[] {
    return Array.from(this.#all.values(), (counted) => ({ ...counted })).toSorted((a, b) => b.count - a.count)
  }
}

/** Counts the reasons of a run. */
export class ReasonCounter {
  readonly #rejected = new Counts(() => ({}))
  readonly #retried = new Counts(() => ({}))
  readonly #waited = new Counts<{ for: Waiting['for']; seconds: number }>(() => ({
    ...{ for: 'server', seconds: 0 },
  }))
  /** The latest end of all pauses, in ms since 1970, and its reason. */
  #waitsUntil = -Infinity
  #last = ''

  rejected(reason: Reason): void {
    this.#rejected.add(`${reason.code}: ${withFlags(generalReason(reason))}`)
  }

  ended(event: Pick<RequestEndEvent, 'end' | 'error' | 'status' | 'unsettled'>): void {
    if (event.unsettled > 0) this.#retried.add(wordsOfEnd(event))
  }

  /** @param now In ms since 1970. */
  waits({ for: cause, until, said }: Waiting, now: number): void {
    const counted = this.#waited.add(withFlags(said ?? 'the limit per minute has no room'))
    counted.for = cause
    // An event may only say that the same pause lasts longer.
    const more = until - Math.max(now, this.#waitsUntil)
    if (more <= 0) return
    counted.seconds += more / 1_000
    this.#waitsUntil = until
    this.#last = counted.reason
  }

  /** @param now In ms since 1970. The rest of a pause that lasts longer does not count. */
  reasons(now: number): RunReasons {
    const rest = Math.max(0, this.#waitsUntil - now) / 1_000
    const waited = this.#waited.list.map((one) =>
      one.reason === this.#last ? { ...one, seconds: one.seconds - rest } : one,
    )
    const rejected = this.#rejected.list.map(({ reason, count }) => {
      const [, code = reason, words = reason] = /^(\w+): (.*)$/s.exec(reason) ?? []
      return { code, reason: words, count }
    })
    return { rejected, retried: this.#retried.list, waited }
  }
}

/** Parts of messages that are different in each record, and what stands instead of them. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  // The place of a bad row.
  [/^(?:(?!: ).)+:\d+: /, ''],
  // The further places of a result that does not match.
  [/; and at [^:]*/, ''],
  [/ on attempt \d+/, ''],
  [/\b(got|record|position|line|column|byte|offset) \d+/g, '$1 N'],
  // The position in a list.
  [/(?<=[A-Za-z_])\.\d+\b/g, '.N'],
]

/** The message of a reason, without its parts that are different in each record. */
export function generalReason({ message }: Reason): string {
  return VARYING.reduce((text, [pattern, general]) => text.replace(pattern, general), message).slice(
    0,
    REASON_LENGTH,
  )
}

/** The ends of requests that left records without a result, in words. */
const ENDS: Readonly<Record<string, string>> = {
  complete: 'results missing, or not as the schema says',
  length: 'answer cut at the output cap',
  refusal: 'the model refused',
  content_filter: 'stopped by the content filter',
  context: 'longer than the context',
  rate_limit: 'refused by a rate limit',
  too_large: 'larger than the rate limit',
  refused_request: 'request refused',
  cap_refused: 'output cap refused',
  form_refused: 'form of the request refused',
  stray: 'an id that was not asked',
  fatal: 'error that ends the run',
  first_token_timeout: 'no first token in time',
  idle_timeout: 'answer stalled',
  request_timeout: 'answer not complete in time',
  connection: 'connection failed or broke off',
  cut_short: 'answer broke off',
  not_a_stream: 'no stream of events',
  not_json: 'answer not JSON',
  runaway: 'answer without an end',
  api_error: 'server error',
  aborted: 'aborted when the run ended',
}

function wordsOfEnd({ end, error, status }: Pick<RequestEndEvent, 'end' | 'error' | 'status'>): string {
  const kind = end === 'failure' && error !== undefined ? error : end
  return (ENDS[kind] ?? kind) + (status === undefined ? '' : ` (${status})`)
}
