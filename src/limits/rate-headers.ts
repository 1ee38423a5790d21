/** Response headers as the SDK, some other fetch, or a log gives them. */
export type AnyHeaders = { get(name: string): string | null } | Readonly<Record<string, string>>

/** What a server says is left of one of its limits. */
export interface Reported {
  /** What is counted: requests, tokens, or the tokens of all keys of a project. */
  readonly kind: 'requests' | 'tokens' | 'project-tokens'
  /** What there is when nothing is used, above 0. Per minute or per day: the headers do not say. */
  readonly limit: number | undefined
  /** What is left of it, from 0. */
  readonly remaining: number
  /** How long until all of it is back, in ms. */
  readonly reset: number | undefined
}

const KINDS = ['requests', 'tokens', 'project-tokens'] as const

const UNITS = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** No limit is counted over more than a month. A longer reset is no duration: some gateways write a date in seconds. */
const LONGEST_RESET = 31 * UNITS.d

/** A header however its name is spelt, or `undefined`. */
function read(headers: AnyHeaders | undefined, name: string): string | undefined {
  if (typeof headers?.get === 'function') return headers.get(name) ?? undefined
  const found = Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === name)
  return found === undefined ? undefined : String(found[1])
}

function toNumber(text: string | undefined): number {
  return text?.trim() ? Number(text) : NaN
}

/**
 * The pause that a server asks for, in ms and of any length: `retry-after-ms`, or else `retry-after` in seconds or as a
 * date. `undefined` if it asks for none that is a finite time of at least 1 ms.
 */
export function readRetryAfter(headers: AnyHeaders | undefined): number | undefined {
  // A date is by the server's clock, so it is measured by that.
  const dates = ['retry-after', 'date'].map((name) => Date.parse(read(headers, name) ?? ''))
  return [
    toNumber(read(headers, 'retry-after-ms')),
    toNumber(read(headers, 'retry-after')) * 1000,
    (dates[0] ?? NaN) - (dates[1] ?? NaN),
    // No time at all is no answer: taken at its word it would be a loop.
  ].find((ms) => ms >= 1 && ms < Infinity)
}

/**
 * A duration in ms, from what Go prints and OpenAI sends: `120ms`, `8.64s`, `6m0s`, `1h0m0s`; also with days, `2d3h`.
 * A number without a unit is seconds. `undefined` if it is neither.
 */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim()
  let ms: number | undefined
  if (/^\d+(?:\.\d+)?$/.test(trimmed)) {
    ms = Number(trimmed) * UNITS.s
  } else if (/^(?:\d+(?:\.\d+)?(?:[nuµm]?s|[mhd]))+$/.test(trimmed)) {
    ms = 0
    for (const [, amount, unit] of trimmed.matchAll(/([\d.]+)([a-zµ]+)/g)) {
      ms += Number(amount) * UNITS[unit as keyof typeof UNITS]
    }
  }
  // As many digits as a header can hold are no time either.
  return ms !== undefined && ms < Infinity ? ms : undefined
}

/** What the `x-ratelimit-*` headers say, of each kind of which they say what is left. */
export function readRateLimits(headers: AnyHeaders | undefined): Reported[] {
  return KINDS.flatMap((kind) => {
    const remaining = toNumber(read(headers, `x-ratelimit-remaining-${kind}`))
    if (!(remaining >= 0 && remaining < Infinity)) return []
    const limit = toNumber(read(headers, `x-ratelimit-limit-${kind}`))
    const reset = parseDuration(read(headers, `x-ratelimit-reset-${kind}`) ?? '')
    return {
      kind,
      // A limit of nothing would forbid everything; the response has just shown that it does not.
      limit: limit > 0 && limit < Infinity ? limit : undefined,
      remaining,
      reset: reset !== undefined && reset <= LONGEST_RESET ? reset : undefined,
    }
  })
}
