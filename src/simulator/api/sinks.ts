import type { Sink } from '../pace.ts'
import type { PromptCount } from '../prompt.ts'
import type { FinishReason, Writer } from './chat-wire.ts'

/** What an answer needs of a `ServerResponse`. */
export type Out = {
  readonly headersSent: boolean
  writeHead(status: number, headers: Record<string, string>): unknown
  write(text: string): boolean
  end(text: string): unknown
}

/** One answer, known as a whole before its first token is written. */
export type Answer = { tokens: readonly string[]; reason: FinishReason; prompt: PromptCount }

/** Writes an answer as server-sent events, one for each token. */
export function streamSink(out: Out, writer: Writer, answer: Answer): Sink {
  const { tokens, reason, prompt } = answer

  // Headers leave with the first token, as at servers that wait for the model, together with the events before it.
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
        // A token's text may come with a later one's.
        if (token !== '') events += writer.delta(token)
      }
      return out.write(events)
    },
    finish() {
      out.end(open() + writer.end(reason, { prompt, completionTokens: tokens.length }))
    },
  }
}

/** Writes an answer in one piece when its last token is there. */
export function wholeSink(out: Out, writer: Writer, answer: Answer): Sink {
  const { tokens, reason, prompt } = answer
  return {
    send: () => true,
    finish() {
      out.writeHead(200, { 'content-type': 'application/json' })
      out.end(writer.whole(tokens.join(''), reason, { prompt, completionTokens: tokens.length }))
    },
  }
}
