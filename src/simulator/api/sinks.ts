import type { Sink } from '../pace.ts'
import type { FinishReason, Usage, Writer } from './chat-wire.ts'

/** The part of a `ServerResponse` that an answer uses. */
export type Out = {
  readonly headersSent: boolean
  writeHead(status: number, headers: Record<string, string>): unknown
  write(text: string): boolean
  end(text: string): unknown
}

/** An answer that is complete before its first token is written. */
export type Answer = { tokens: readonly string[]; reason: FinishReason; usage: Usage }

/** Writes an answer as server-sent events, one for each token. */
export function streamSink(out: Out, writer: Writer, answer: Answer): Sink {
  const { tokens, reason, usage } = answer

  // The headers are sent with the first token, together with the events before it. Servers that
  // wait for the model do the same.
  const open = () => {
    if (out.headersSent) return ''
    out.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
    })
    return writer.start()
  }

  return {
    send(from, to) {
      let events = open()
      for (let index = from; index < to; index++) {
        const token = tokens[index] ?? ''
        // The text of a token may come with a later token.
        if (token !== '') events += writer.delta(token)
      }
      return out.write(events)
    },
    finish() {
      out.end(open() + writer.end(reason, usage))
    },
  }
}

/** Writes an answer in one piece after its last token. */
export function wholeSink(out: Out, writer: Writer, answer: Answer): Sink {
  const { tokens, reason, usage } = answer
  return {
    send: () => true,
    finish() {
      out.writeHead(200, { 'content-type': 'application/json' })
      out.end(writer.whole(tokens.join(''), reason, usage))
    },
  }
}
