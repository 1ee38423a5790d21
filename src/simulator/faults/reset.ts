import type { ServerResponse } from 'node:http'

/** Time in which a client can read the data before a reset, in ms. Clients drop unread data. */
const timeToReadMs = 20

/** Resets the connection (RST, not an orderly end). */
export function resetNow(response: ServerResponse): void {
  response.socket?.resetAndDestroy()
}

/** Resets the connection after the client has had time to read the data. */
export function resetSoon(response: ServerResponse): void {
  const timer = setTimeout(resetNow, timeToReadMs, response)
  response.on('close', () => {
    clearTimeout(timer)
  })
}
