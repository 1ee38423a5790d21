import type { ServerResponse } from 'node:http'
import { ApiError } from '../api/errors.ts'
import type { Sink } from '../pace.ts'
import { streamSink, wholeSink } from '../api/sinks.ts'
import type { FinishReason, Usage, Writer } from '../api/chat-wire.ts'
import type { BreakOff, Script } from './damage.ts'
import { type DamagedOut, damagedOut } from './out.ts'
import type { Plan } from './plan.ts'
import { resetSoon } from './reset.ts'

/** The response for one answer, and the writer that formats it. */
export type Target = { response: ServerResponse; writer: Writer; stream: boolean; usage: Usage }

/** Writes a script: the tokens like any answer, and then the ending. */
export function scriptSink(script: Script, { random, chunks }: Plan, target: Target): Sink {
  const { tokens, ending, refused, form } = script
  const { response, usage } = target
  const stream = target.stream && form !== 'whole_json'
  const writer = refused ? refusing(target.writer) : target.writer
  const out = damagedOut(response, form, chunks === 'random' ? random : undefined)
  const reason = isBreakOff(ending) ? 'stop' : ending
  const sink = (stream ? streamSink : wholeSink)(out, writer, { tokens, reason, usage })
  if (!isBreakOff(ending)) return sink
  if (stream) return brokenStream(sink, ending, writer, out, response)
  const body = () => writer.whole(tokens.join(''), reason, usage)
  return brokenWhole(ending, body, out, response)
}

const finishReasons: readonly string[] = ['stop', 'length', 'content_filter'] satisfies FinishReason[]

export function isBreakOff(ending: Script['ending']): ending is BreakOff {
  return !finishReasons.includes(ending)
}

/** Returns the same writer for a text that is a refusal. */
function refusing(writer: Writer): Writer {
  return {
    start: () => writer.start(),
    delta: (token) => writer.refusal(token),
    end: (reason, usage) => writer.end(reason, usage),
    whole: (content, reason, usage) => writer.wholeRefusal(content, reason, usage),
    refusal: (token) => writer.refusal(token),
    wholeRefusal: (refusal, reason, usage) => writer.wholeRefusal(refusal, reason, usage),
    error: (body) => writer.error(body),
  }
}

/** Writes a stream that breaks off after its last token. */
function brokenStream(
  sink: Sink,
  ending: BreakOff,
  writer: Writer,
  out: DamagedOut,
  response: ServerResponse,
): Sink {
  return {
    send: (from, to) => sink.send(from, to),
    finish() {
      // The headers are sent with the first token, and there may have been no token.
      if (!response.headersSent) sink.send(0, 0)
      if (ending === 'error_frame') out.write(writer.error(streamError.body))
      if (ending === 'malformed_frame') out.write(`${half(writer.delta(' '))}\n\n`)
      out.afterwards(() => {
        breakOff(ending, response)
      })
    },
  }
}

/** Writes an answer in one piece that breaks off in the middle. */
function brokenWhole(ending: BreakOff, body: () => string, out: DamagedOut, response: ServerResponse): Sink {
  return {
    send: () => true,
    finish() {
      if (ending !== 'stall') {
        out.writeHead(200, { 'content-type': 'application/json' })
        out.write(ending === 'error_frame' ? JSON.stringify(streamError.body) : half(body()))
      }
      out.afterwards(() => {
        breakOff(ending, response)
      })
    },
  }
}

const streamError = new ApiError(500, 'The simulator was told to fail here: error_frame.', {
  type: 'server_error',
  code: 'server_error',
})

function half(text: string): string {
  return text.slice(0, Math.floor(text.length / 2))
}

function breakOff(ending: BreakOff, response: ServerResponse): void {
  switch (ending) {
    case 'stall':
      return
    case 'reset_inside':
      resetSoon(response)
      return
    case 'malformed_frame':
      // Closes the connection in order, but without the end of the body.
      response.socket?.destroySoon()
      return
    case 'silent_end':
    case 'error_frame':
      response.end()
  }
}
