import type { ServerResponse } from 'node:http'

/** Milliseconds in which a client can read what came before a reset; clients drop what they have not read by then. */
const timeToRead = 20

/** Resets the connection (RST, not an orderly end). */
export function resetNow(response: ServerResponse): void {
  response.socket?.resetAndDestroy()
}

/** Resets the connection when the client has had time to read what was written. */
export function resetSoon(response: ServerResponse): void {
  const timer = setTimeout(resetNow, timeToRead, response)
  response.on('close', () => {
    clearTimeout(timer)
  })
}
