import { appendFileSync, closeSync, fsyncSync, openSync } from 'node:fs'
import { once } from 'node:events'
import type { Writable } from 'node:stream'

/** Where something is written. */
export interface Sink<T> {
  /** Whoever writes waits for the promise, if there is one. */
  write: (what: T) => void | Promise<void>
  close: () => void
}

/**
 * A file that a row is in as soon as it is written: not in a buffer of this process, which a `kill -9` would take with it,
 * though its answer was paid for. So it is written at once, and not in turn.
 */
export function fileSink(path: string): Sink<string> {
  const file = openSync(path, 'a')
  return {
    write(text) {
      try {
        appendFileSync(file, text)
      } catch (cause) {
        throw new Error(`${path} cannot be written: ${(cause as Error).message}`)
      }
    },
    close() {
      // A pipe or a device cannot be synced, and need not be.
      try {
        fsyncSync(file)
      } catch (error) {
        if (!['EINVAL', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      }
      closeSync(file)
    },
  }
}

/** Standard output, in the time that its reader takes. */
export function stdoutSink(stdout: Writable): Sink<string> {
  let failure: Error | undefined
  stdout.on('error', (error: Error) => {
    failure ??= error
  })
  return {
    async write(text) {
      if (failure) throw failure
      if (!stdout.write(text)) await once(stdout, 'drain')
    },
    close() {
      // It is not ours to close.
    },
  }
}
