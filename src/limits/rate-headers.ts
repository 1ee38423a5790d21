/** Response headers, in the form of the SDK, of another `fetch`, or of a log. */
export type AnyHeaders = { get(name: string): string | null } | Readonly<Record<string, string>>

/** A server's report about one of its limits. */
export interface Reported {
  /** The counted unit: requests, tokens, or the tokens of all keys of a project. */
  readonly kind: 'requests' | 'tokens' | 'project-tokens'
  /** Size of the limit, above 0. The headers do not say whether it is per minute or per day. */
  readonly limit: number | undefined
  /** Remaining amount, from 0. */
  readonly remaining: number
  /** Time until the whole limit is available again, in ms. */
  readonly reset: number | undefined
}

const KINDS = ['requests', 'tokens', 'project-tokens'] as const

const MS_PER_UNIT = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Longest reset that is believed, in ms. No limit is counted over more than a month. Some gateways
 * write a date in seconds, which would be a longer reset.
 */
const LONGEST_RESET_MS = 31 * MS_PER_UNIT.d

/** The header's value, or `undefined`. Upper and lower case of the name do not matter. */
function read(headers: AnyHeaders | undefined, name: string): string | undefined {
  if (typeof headers?.get === 'function') return headers.get(name) ?? undefined
  const found = Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === name)
  return found === undefined ? undefined : String(found[1])
}

/** Reads a number, also with separators of thousands: `12,000`. */
function toNumber(text: string | undefined): number {
  const digits = /^\s*\d{1,3}(,\d{3})+(\.\d+)?\s*$/.test(text ?? '') ? text?.replaceAll(',', '') : text
  return digits?.trim() ? Number(digits) : NaN
}

/** Adds a pause that the server asked for in another place. A pause in the headers is preferred. */
export function withRetryAfter(
  headers: AnyHeaders | undefined,
  pause: string | undefined,
): AnyHeaders | undefined {
  if (pause === undefined || readRetryAfter(headers) !== undefined) return headers
  return { get: (name) => (name === 'retry-after' ? pause : (read(headers, name) ?? null)) }
}

/**
 * The pause that a server asks for, in ms, without an upper bound. Reads `retry-after-ms`, or else
 * `retry-after` in seconds, as a duration or as a date. `undefined` if the headers name no finite
 * time of at least 1 ms.
 */
export function readRetryAfter(headers: AnyHeaders | undefined): number | undefined {
  const pause = read(headers, 'retry-after') ?? ''
  return (
    [toNumber(read(headers, 'retry-after-ms')), parseDuration(pause) ?? NaN, timeUntil(pause, headers)]
      // A pause of 0 is ignored: obeying it would be an endless loop.
      .find((ms) => ms >= 1 && ms < Infinity)
  )
}

/** Time until a date, in ms. The date is of the server's clock, so its `date` header counts. */
function timeUntil(date: string, headers: AnyHeaders | undefined): number {
  return Date.parse(date) - Date.parse(read(headers, 'date') ?? '')
}

/**
 * Parses a duration in the form that Go prints and OpenAI sends: `120ms`, `8.64s`, `6m0s`,
 * `1h0m0s`, and also days, `2d3h`. A number without a unit means seconds. Returns ms, or
 * `undefined` if the text is neither.
 */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim()
  let ms: number | undefined
  if (/^\d+(?:\.\d+)?$/.test(trimmed)) {
    ms = Number(trimmed) * MS_PER_UNIT.s
  } else if (/^(?:\d+(?:\.\d+)?(?:[nuµm]?s|[mhd]))+$/.test(trimmed)) {
    ms = 0
    for (const [, amount, unit] of trimmed.matchAll(/([\d.]+)([a-zµ]+)/g)) {
      ms += Number(amount) * MS_PER_UNIT[unit as keyof typeof MS_PER_UNIT]
    }
  }
  // A header can hold enough digits to make the number infinite.
  return ms !== undefined && ms < Infinity ? ms : undefined
}

/**
 * Reads the `x-ratelimit-*` headers, or Claude's `anthropic-ratelimit-*` headers. The result has an
 * entry for each kind whose remaining amount is known.
 */
export function readRateLimits(headers: AnyHeaders | undefined): Reported[] {
  return KINDS.flatMap((kind) => {
    const field = (name: string): string | undefined =>
      read(headers, `x-ratelimit-${name}-${kind}`) ?? read(headers, `anthropic-ratelimit-${kind}-${name}`)
    const remaining = toNumber(field('remaining'))
    if (!(remaining >= 0 && remaining < Infinity)) return []
    const limit = toNumber(field('limit'))
    const until = field('reset') ?? ''
    // Claude sends a date.
    const reset = parseDuration(until) ?? timeUntil(until, headers)
    return {
      kind,
      // A limit of 0 would forbid every request, but the server has just accepted one.
      limit: limit > 0 && limit < Infinity ? limit : undefined,
      remaining,
      reset: reset >= 0 && reset <= LONGEST_RESET_MS ? reset : undefined,
    }
  })
}
