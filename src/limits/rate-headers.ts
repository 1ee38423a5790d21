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

function toNumber(text: string | undefined): number {
  return text?.trim() ? Number(text) : NaN
}

/**
 * The pause that a server asks for, in ms, without an upper bound. Reads `retry-after-ms`, or else
 * `retry-after` in seconds or as a date. `undefined` if the headers name no finite time of at least
 * 1 ms.
 */
export function readRetryAfter(headers: AnyHeaders | undefined): number | undefined {
  // The date comes from the server's clock, so the function measures it by the server's `date`
  // header.
  const dates = ['retry-after', 'date'].map((name) => Date.parse(read(headers, name) ?? ''))
  return [
    toNumber(read(headers, 'retry-after-ms')),
    toNumber(read(headers, 'retry-after')) * 1000,
    (dates[0] ?? NaN) - (dates[1] ?? NaN),
    // A pause of 0 is ignored: obeying it would be an endless loop.
  ].find((ms) => ms >= 1 && ms < Infinity)
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
 * Reads the `x-ratelimit-*` headers. The result has an entry for each kind whose remaining amount
 * is known.
 */
export function readRateLimits(headers: AnyHeaders | undefined): Reported[] {
  return KINDS.flatMap((kind) => {
    const remaining = toNumber(read(headers, `x-ratelimit-remaining-${kind}`))
    if (!(remaining >= 0 && remaining < Infinity)) return []
    const limit = toNumber(read(headers, `x-ratelimit-limit-${kind}`))
    const reset = parseDuration(read(headers, `x-ratelimit-reset-${kind}`) ?? '')
    return {
      kind,
      // A limit of 0 would forbid every request, but the server has just accepted one.
      limit: limit > 0 && limit < Infinity ? limit : undefined,
      remaining,
      reset: reset !== undefined && reset <= LONGEST_RESET_MS ? reset : undefined,
    }
  })
}
