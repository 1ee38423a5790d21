import type { ServerResponse } from 'node:http'
import type { Out } from '../api/sinks.ts'
import { cutBytes } from './cut.ts'
import type { Script } from './damage.ts'
import type { Random } from './random.ts'

/** An `Out` that may delay its writes for a moment. */
export type DamagedOut = Out & {
  /** Calls `act` when everything before has been written to the response. */
  afterwards(act: () => void): void
}

/**
 * Wraps the response: with what the form says, and in pieces of random length if `random` is given.
 */
export function damagedOut(
  response: ServerResponse,
  form: Script['form'],
  random: Random | undefined,
): DamagedOut {
  const way = random === undefined ? directly(response) : inPieces(response, random)
  return {
    ...way,
    // An event without data.
    write: (text) => way.write(form === 'heartbeats' ? `data:\n\n${text}` : text),
    get headersSent() {
      return response.headersSent
    },
    writeHead: (status, headers) =>
      response.writeHead(
        status,
        form === 'wrong_content_type' ? { ...headers, 'content-type': 'text/plain' } : headers,
      ),
  }
}

function directly(response: ServerResponse): Way {
  return {
    write: (text) => response.write(text),
    end: (text) => response.end(text),
    afterwards: (act) => {
      act()
    },
  }
}

type Way = Omit<DamagedOut, 'headersSent' | 'writeHead'>

/**
 * Writes one piece in each turn of the event loop, because `fetch` reads pieces of the same turn
 * together.
 */
function inPieces(response: ServerResponse, random: Random): Way {
  const steps: (() => unknown)[] = []
  let turn: NodeJS.Immediate | undefined

  const nextTurn = () => {
    if (!response.writableNeedDrain) turn ??= setImmediate(step)
  }
  const step = () => {
    turn = undefined
    steps.shift()?.()
    if (steps.length > 0) nextTurn()
    // A writer that was told to wait goes on. If the response itself is full, it emits `drain`
    // later.
    else if (!response.writableNeedDrain) response.emit('drain')
  }
  response.on('drain', () => {
    if (steps.length > 0) nextTurn()
  })
  response.on('close', () => {
    clearImmediate(turn)
    steps.length = 0
  })

  const add = (act: () => unknown) => {
    steps.push(act)
    nextTurn()
  }
  const write = (text: string) => {
    for (const piece of cutBytes(text, random)) add(() => response.write(piece))
    return steps.length === 0
  }
  return {
    write,
    end(text) {
      write(text)
      add(() => response.end())
    },
    afterwards: add,
  }
}
