/** Every way in which an answer can go wrong, in the order in which shares of requests are dealt out. */
export const faultKinds = [
  /** Status 429 with `retry-after-ms` (20 to 50) and `retry-after`. */
  'rate_limit',
  /** Status 429 that does not say how long to wait. */
  'rate_limit_bare',
  /** Status 500. */
  'server_error',
  /** The connection is reset before any element: without headers or right after them. */
  'reset_before',
  /** The connection is reset in the middle of an element. */
  'reset_inside',
  /** After some elements the body ends cleanly, without a finish reason and without `[DONE]`. */
  'silent_end',
  /** After some elements nothing more comes until the client goes away. */
  'stall',
  /** Finish reason `length` in the middle of an element. */
  'cut',
  /** Some elements are left out. */
  'missing',
  /** Some elements come twice. */
  'repeated',
  /** Some elements carry an id that no record has. */
  'unknown',
  /** The elements come in another order. */
  'shuffled',
  /** Some elements have a value of a wrong type, under the right id. */
  'invalid',
  /** Status 200 with a page of HTML. */
  'html',
  /** Status 200 with `{"error": …}` as JSON. */
  'json',
  /** After some elements line breaks and spaces until the client goes away, or until {@link runawayTokens}. */
  'whitespace',
  /** After some elements the last one again and again, as long as `whitespace`. */
  'repeating',
  /** The right body as `text/plain`. */
  'wrong_content_type',
  /** After some elements an error in the stream of status 200, and the end. */
  'error_frame',
  /** After some elements an event that is no JSON, then the connection closes. */
  'malformed_frame',
  /** Prose where JSON was asked for. */
  'free_text',
  /** A refusal and no content. */
  'refusal',
  /** After some elements finish reason `content_filter`. */
  'content_filter',
] as const

export type FaultKind = (typeof faultKinds)[number]

/** What a record can do to the request that holds it; where several match, the first of this order counts. */
export const poisonKinds = [
  /** Status 400 `context_length_exceeded`. */
  'context',
  /** Status 400 with code `content_filter`, as at Azure. */
  'content_filter_error',
  /** Status 500. */
  'server_error',
  /** The connection is reset before any header. */
  'reset',
  /** The whole request is refused. */
  'refusal',
  // The last three concern single elements, so all that match are done.
  /** Finish reason `content_filter` where the record's element would begin. */
  'content_filter',
  /** The record's own element has a value of a wrong type. */
  'invalid',
  /** The record's own element is left out. */
  'missing',
] as const

export type PoisonKind = (typeof poisonKinds)[number]

/** A fault as `stats.faults` counts it. */
export type FaultName = FaultKind | `poison_${PoisonKind}`

/** How the simulator misbehaves. */
export type Faults = {
  /** A whole number. The same seed and the same requests give the same faults, in whatever order they arrive. Default 1. */
  seed?: number
  /** Share of requests hit by each kind, from 0 to 1, together at most 1. */
  rates?: Partial<Record<FaultKind, number>>
  /**
   * Faults of the records themselves: a request that holds a record whose text matches is hit, always, and by nothing
   * else. Of a record that is JSON, the text is that of its strings.
   */
  poison?: Partial<Record<PoisonKind, RegExp>>
  /**
   * How answers are cut up: one event a token, or events of random length, written in pieces that may end inside an
   * event and inside a character. Default `'tokens'`.
   */
  chunks?: 'tokens' | 'random'
}

/** Tokens after which an answer that would never end does, with finish reason `length`. */
export const runawayTokens = 100_000

/** One count for each fault, all 0. */
export function noFaults(): Record<FaultName, number> {
  const names: FaultName[] = [...faultKinds, ...poisonKinds.map((kind) => `poison_${kind}` as const)]
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<FaultName, number>
}
