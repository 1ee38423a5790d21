/** All faults of an answer, in the order in which shares of requests are dealt out. */
export const faultKinds = [
  /** Status 429 with `retry-after-ms` (20 to 50) and `retry-after`. */
  'rate_limit',
  /** Status 429 without a time to wait. */
  'rate_limit_bare',
  /** Status 500. */
  'server_error',
  /** The connection is reset before any element: without headers or right after them. */
  'reset_before',
  /** The connection is reset in the middle of an element. */
  'reset_inside',
  /** After some elements, the body ends cleanly without a finish reason and without `[DONE]`. */
  'silent_end',
  /** After some elements, the server sends nothing more until the client closes the connection. */
  'stall',
  /** Finish reason `length` in the middle of an element. */
  'cut',
  /** Some elements are missing. */
  'missing',
  /** Some elements come twice. */
  'repeated',
  /** Some elements carry an id that no record has. */
  'unknown',
  /** The elements come in a different order. */
  'shuffled',
  /** Some elements have the right id and a value of a wrong type. */
  'invalid',
  /** The model does not copy the ids: it numbers the elements from 0. */
  'counted_from_zero',
  /** The model numbers the elements from 1. */
  'counted_from_one',
  /** The model copies the first id, and counts on from it. */
  'counted_on',
  /** The model leaves one element out, and numbers the others from 1. */
  'left_out',
  /** The model repeats an id, so that each later element has the id of the element before it. */
  'shifted',
  /** The model thinks aloud first, in `<think>`, with a draft of wrong results. */
  'thought',
  /** The answer is in a Markdown fence. */
  'fenced',
  /** The answer is in prose. */
  'in_prose',
  /** The elements are a list without an object around it. */
  'bare_list',
  /** Each element is an object on a line of its own. */
  'lines',
  /** The elements stand under another key. */
  'other_key',
  /** The ids are texts. */
  'text_ids',
  /** Status 200 with an HTML page. */
  'html',
  /** Status 200 with `{"error": …}` as JSON. */
  'json',
  /**
   * After some elements, the server sends line breaks and spaces until the client closes the
   * connection, or for {@link runawayTokens} tokens.
   */
  'whitespace',
  /** After some elements, the server repeats the last element, for as long as `whitespace`. */
  'repeating',
  /** The correct body, with the content type `text/plain`. */
  'wrong_content_type',
  /** After some elements, the stream with status 200 sends an error and ends. */
  'error_frame',
  /** After some elements, the server sends an event that is not JSON and closes the connection. */
  'malformed_frame',
  /** Prose instead of JSON. */
  'free_text',
  /** A refusal without content. */
  'refusal',
  /** After some elements, the finish reason `content_filter`. */
  'content_filter',
  /** Status 200 with one event of the name `error`, whose code is the text `"503"`. */
  'error_event',
  /** The correct answer as one JSON text, although the request asks for a stream. */
  'whole_json',
  /** The correct body, with events without data in between. */
  'heartbeats',
] as const

export type FaultKind = (typeof faultKinds)[number]

/**
 * Faults that a record causes in the request that holds it. If several kinds match, the first kind
 * of this list counts.
 */
export const poisonKinds = [
  /** Status 400 `context_length_exceeded`. */
  'context',
  /** Status 400 with code `content_filter`, like at Azure. */
  'content_filter_error',
  /** Status 500. */
  'server_error',
  /** The connection is reset before the headers. */
  'reset',
  /** The model refuses the whole request. */
  'refusal',
  // The last three kinds affect single elements, so all matching kinds are applied.
  /** Finish reason `content_filter` at the start of the record's element. */
  'content_filter',
  /** The record's element has a value of a wrong type. */
  'invalid',
  /** The record's element is missing. */
  'missing',
] as const

export type PoisonKind = (typeof poisonKinds)[number]

/** The name of a fault in `stats.faults`. */
export type FaultName = FaultKind | `poison_${PoisonKind}`

/** Faults that the simulator makes on purpose. */
export type Faults = {
  /**
   * A whole number. The same seed and the same requests give the same faults, in any order of
   * arrival. Default: 1.
   */
  seed?: number | undefined
  /** Share of requests with each fault, from 0 to 1. All shares together are at most 1. */
  rates?: Partial<Record<FaultKind, number | undefined>> | undefined
  /**
   * Faults that records cause. Each request with a record whose text matches has this fault, and no
   * other fault. If a record is JSON, its text is the text of its strings.
   */
  poison?: Partial<Record<PoisonKind, RegExp | undefined>> | undefined
  /**
   * How answers are sent. `'tokens'`: one event for each token. `'random'`: events of random
   * length, in pieces that may end inside an event and inside a character. Default: `'tokens'`.
   */
  chunks?: 'tokens' | 'random' | undefined
}

/** Number of tokens after which an endless answer ends with finish reason `length`. */
export const runawayTokens = 100_000

/** Returns one count of 0 for each fault. */
export function noFaults(): Record<FaultName, number> {
  const names: FaultName[] = [...faultKinds, ...poisonKinds.map((kind) => `poison_${kind}` as const)]
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<FaultName, number>
}
