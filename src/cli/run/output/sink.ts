import { closeSync, fsyncSync, openSync } from 'node:fs'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { append } from '../resume/draft.ts'

/** A place to write to. */
export interface Sink<T> {
  /** The caller waits for the promise, if there is one. */
  write: (what: T) => void | Promise<void>
  close: () => void
}

/**
 * A file that has a row as soon as `write` returns. A buffer of this process would lose the row at
 * a `kill -9`, although its answer was paid for. So it writes synchronously.
 */
export function fileSink(path: string): Sink<string> {
  const file = openSync(path, 'a')
  return {
    write(text) {
      append(file, path, text)
    },
    close() {
      // Nothing can sync a pipe or a device, and they do not need it.
      try {
        fsyncSync(file)
      } catch (error) {
        if (!['EINVAL', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      }
      closeSync(file)
    },
  }
}

/** Standard output, at the speed of its reader. */
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
      // The process closes it.
    },
  }
}
