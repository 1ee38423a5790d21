import type { ServerResponse } from 'node:http'
import type { Out } from '../api/sinks.ts'
import { cutBytes } from './cut.ts'
import type { Random } from './random.ts'

/** An `Out` that may hold things back for a moment. */
export type DamagedOut = Out & {
  /** Acts on the response once everything that was written has got there. */
  afterwards(act: () => void): void
}

/** The response, with another content type if `plainText`, and written in pieces cut by `random`. */
export function damagedOut(
  response: ServerResponse,
  plainText: boolean,
  random: Random | undefined,
): DamagedOut {
  const way = random === undefined ? directly(response) : inPieces(response, random)
  return {
    ...way,
    get headersSent() {
      return response.headersSent
    },
    writeHead: (status, headers) =>
      response.writeHead(status, plainText ? { ...headers, 'content-type': 'text/plain' } : headers),
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

/** One piece in each turn of the event loop: what is written together, `fetch` reads together. */
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
    // Whoever was told to wait goes on; if the response itself is full, it says so later.
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
