import type { Answer, Seen } from './row.ts'

// The parts of a response on the wire. Vendors' files put them together.

/** The text of an answer that is right. */
export type Text = (seen: Seen) => string

export const right: Text = ({ records }) =>
  JSON.stringify({ results: records.map(({ id, text }) => ({ id, label: text })) })

/** The right answer in text of another form. */
export const wrapped =
  (wrap: (text: string) => string): Text =>
  (seen) =>
    wrap(right(seen))

/** The right answer, cut behind its first element. */
export const cut: Text = (seen) => right(seen).replace(/(?<=\}),.*/s, ',{"id"')

/** A model writes a few characters at a time. */
export const pieces = (text: string): string[] => text.match(/.{1,9}/gs) ?? []

/** An event of the stream, or bytes as they are. */
export type Part = object | string

/** A stream of events with status 200. */
export const stream =
  (parts: (seen: Seen) => readonly Part[], headers: Readonly<Record<string, string>> = {}): Answer =>
  (seen) => ({
    status: 200,
    headers: { 'content-type': 'text/event-stream; charset=utf-8', ...headers },
    body: parts(seen)
      .map((part) => (typeof part === 'string' ? part : `data: ${JSON.stringify(part)}\n\n`))
      .join(''),
  })

export const DONE = 'data: [DONE]\n\n'

/** A response with a JSON text, or with another text. */
export const plain =
  (status: number, body: Part, headers: Readonly<Record<string, string>> = {}): Answer =>
  () => ({
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

/** Answers the first request in one way, and all later requests in another way. */
export const first =
  (once: Answer, later: Answer): Answer =>
  (seen) =>
    (seen.number === 0 ? once : later)(seen)

/** Refuses the requests that fulfil a condition. */
export const refusing =
  (condition: (seen: Seen) => boolean, refusal: Answer, otherwise: Answer): Answer =>
  (seen) =>
    (condition(seen) ? refusal : otherwise)(seen)

export const hasField =
  (name: string) =>
  ({ body }: Seen): boolean =>
    name in body

export const formatOf = ({ body }: Pick<Seen, 'body'>): string =>
  (body['response_format'] as { type?: string } | undefined)?.type ?? 'none'

export const hasFormat =
  (type: string) =>
  (seen: Seen): boolean =>
    formatOf(seen) === type

export const hasMoreThan =
  (count: number) =>
  ({ records }: Seen): boolean =>
    records.length > count

export const hasRecord =
  (text: string) =>
  ({ records }: Seen): boolean =>
    records.some((record) => record.text === text)
