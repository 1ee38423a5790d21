/**
 * Waits for `ms` milliseconds, or until the signal aborts. Leaves no timer and no listener behind.
 */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
      return
    }
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, Math.ceil(ms))
    signal.addEventListener('abort', done)
  })
}
