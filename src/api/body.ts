import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { sleep } from '../base/sleep.ts'
import { RequestError } from '../record/errors.ts'
import { checkedEvent, type OpenedAnswer } from './events.ts'

/** Largest event, in characters. No model writes a larger event. */
const MAX_EVENT_LENGTH = 2 ** 24
/** Time in which a connection may still end by itself after the answer's last event, in ms. */
const CLOSE_WAIT_MS = 1_000

type Piece = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']>>

/** An answer whose body this file reads, because the client returns the response. */
export class Body implements OpenedAnswer {
  readonly headers: Headers
  readonly endsWhenClosed: boolean
  readonly #status: number
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  readonly #decoder = new TextDecoder()
  readonly #parser = createParser({
    onEvent: (message) => this.#messages.push(message),
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded') throw tooLong()
    },
    maxBufferSize: MAX_EVENT_LENGTH,
  })
  #messages: EventSourceMessage[] = []
  /** The text of a body that is one JSON value. */
  #json = ''
  /** Content types are often wrong or absent. The first character shows the form of the body. */
  #form: 'unknown' | 'events' | 'json' | 'other' = 'unknown'
  #isOver = false
  /** Whether the server has sent its sign for the end. */
  #isDone = false

  constructor({ body, headers, status }: Response) {
    this.headers = headers
    this.#status = status
    // The `fetch` of a user may return a stream of Node.
    const stream = !body || 'getReader' in body ? body : ReadableStream.from<Uint8Array>(body)
    // Only Node's own stream is known to end a read when it is cancelled.
    this.endsWhenClosed = stream instanceof ReadableStream
    this.#reader = stream?.getReader()
  }

  get got(): string {
    if (this.#form === 'unknown') return `an empty body with status ${this.#status}`
    const type = /^[\w.+-]+\/[\w.+-]+/.exec(this.headers.get('content-type') ?? '')?.[0]
    return type === 'text/event-stream' ? 'a stream without events' : (type ?? 'text without a type')
  }

  next(): Promise<Iterable<object> | undefined> {
    if (this.#isOver || !this.#reader) return Promise.resolve(undefined)
    // An `async` function would add promises to each piece, and most pieces are one token.
    return this.#reader.read().then(this.#take)
  }

  readonly #take = ({ done, value }: Piece): Iterable<object> | undefined => {
    this.#isOver = done
    const text = this.#decoder.decode(value, { stream: !done })
    if (this.#form === 'unknown') this.#form = formOf(text)
    switch (this.#form) {
      case 'unknown':
        return []
      case 'events':
        // The last event may have no empty line after it.
        this.#parser.feed(done ? `${text}\n\n` : text)
        return this.#read(this.#messages.splice(0), done)
      case 'json':
        this.#json += text
        if (this.#json.length > MAX_EVENT_LENGTH) throw tooLong()
        return done ? this.#whole() : []
      case 'other':
        this.#isOver = true
        return undefined
    }
  }

  close(): void {
    const cancel = (): void => {
      this.#reader?.cancel().catch(() => undefined)
    }
    if (!this.#isDone) {
      cancel()
      return
    }
    // The next request can use this connection if the body is read to its end.
    const ended = new AbortController()
    void sleep(CLOSE_WAIT_MS, ended.signal).then(cancel)
    void this.#drain().finally(() => {
      ended.abort()
    })
  }

  /** @param isLast Whether the last message may have been cut. */
  *#read(messages: readonly EventSourceMessage[], isLast: boolean): Generator<object> {
    for (const { event, data } of messages) {
      if (data === '[DONE]') {
        this.#isOver = this.#isDone = true
        return
      }
      // An event without data only shows that the server lives.
      if (data.trim() === '') continue
      const value = parse(data) ?? (event === 'error' ? data : undefined)
      if (value === undefined && isLast) return
      yield checkedEvent(value, event, this.headers)
    }
  }

  /** The event of an answer that is one JSON value. Some servers ignore `stream`. */
  #whole(): Iterable<object> | undefined {
    const answer = checkedEvent(parse(this.#json), undefined, this.headers)
    return 'choices' in answer || 'output' in answer ? [answer] : undefined
  }

  async #drain(): Promise<void> {
    try {
      while (!(await this.#reader?.read())?.done);
    } catch {
      // The answer was complete.
    }
  }
}

function formOf(text: string): 'unknown' | 'events' | 'json' | 'other' {
  switch (/\S/.exec(text)?.[0]) {
    case undefined:
      return 'unknown'
    case '{':
    case '[':
      return 'json'
    case '<':
      return 'other'
    default:
      return 'events'
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function tooLong(): RequestError {
  return new RequestError('not_json', 'An event of the answer is longer than any answer of a model')
}
