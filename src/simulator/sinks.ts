import type { ServerResponse } from 'node:http'
import type { Sink } from './pace.ts'
import type { PromptCount } from './prompt.ts'
import type { FinishReason, Writer } from './wire.ts'

/** One answer, known as a whole before its first token is written. */
export type Answer = { tokens: readonly string[]; reason: FinishReason; prompt: PromptCount }

/** Writes an answer as server-sent events, one for each token. */
export function streamSink(response: ServerResponse, writer: Writer, answer: Answer): Sink {
  const { tokens, reason, prompt } = answer

  // Headers leave with the first token, as at servers that wait for the model, together with the events before it.
  const open = () => {
    if (response.headersSent) return ''
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
    })
    return writer.start()
  }

  return {
    send(from, to) {
      let events = open()
      for (let index = from; index < to; index++) events += writer.delta(tokens[index] ?? '')
      return response.write(events)
    },
    finish() {
      response.end(open() + writer.end(reason, { prompt, completionTokens: tokens.length }))
    },
  }
}

/** Writes an answer in one piece when its last token is there. */
export function wholeSink(response: ServerResponse, writer: Writer, answer: Answer): Sink {
  const { tokens, reason, prompt } = answer
  return {
    send: () => true,
    finish() {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(writer.whole(tokens.join(''), reason, { prompt, completionTokens: tokens.length }))
    },
  }
}
