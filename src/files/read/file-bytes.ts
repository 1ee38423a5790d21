import { closeSync, constants, open as openFd, openSync, statSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { FileError } from '../row.ts'

const CHUNK_BYTES = 64 * 1024

/** The progress in one file, in bytes on the disk. */
export interface Progress {
  bytes: number
}

/**
 * The bytes of a file on the disk. `stop` ends the wait for a source that may be silent forever,
 * such as a named pipe. A read of a file on a disk ends by itself.
 */
export async function* bytesOf(
  file: string,
  progress: Progress,
  stop: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const stats = await stat(file).catch((error: unknown) => {
    throw unreadable(file, error)
  })
  stop.throwIfAborted()
  const isOnDisk = stats.isFile() || stats.isDirectory()
  const bytes = stats.isFIFO() ? bytesOfPipe(file, stop) : bytesOfFile(file, isOnDisk ? undefined : stop)
  try {
    for await (const chunk of bytes) {
      progress.bytes += chunk.length
      yield chunk
    }
  } catch (error) {
    throw unreadable(file, error)
  }
}

async function* bytesOfFile(file: string, stop: AbortSignal | undefined): AsyncGenerator<Buffer, void> {
  const opening = open(file)
  const handle = await unlessStopped(opening, stop, () => {
    void opening.then((late) => late.close())
  })
  try {
    for (;;) {
      const { buffer, bytesRead } = await unlessStopped(handle.read(Buffer.allocUnsafe(CHUNK_BYTES)), stop)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    const closing = handle.close()
    // `close` waits for the read too.
    if (!stop?.aborted) await closing
  }
}

/**
 * A socket, and not a file: the read of a silent pipe would keep one of the few threads for file
 * access, and even `process.exit()` would wait for it.
 */
async function* bytesOfPipe(file: string, stop: AbortSignal): AsyncGenerator<Buffer, void> {
  const socket = new Socket({ fd: await openPipe(file, stop), readable: true, writable: false })
  const destroy = () => socket.destroy()
  stop.addEventListener('abort', destroy)
  try {
    yield* socket as AsyncIterable<Buffer>
  } finally {
    stop.removeEventListener('abort', destroy)
    socket.destroy()
  }
}

async function openPipe(file: string, stop: AbortSignal): Promise<number> {
  // Returns at once. The data does not end before the first writer has opened the pipe.
  if (process.platform === 'linux') return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  // Returns when the first writer has opened the pipe. On these systems, a pipe without a writer
  // would seem to be at its end.
  const opening = promisify(openFd)(file, 'r')
  return unlessStopped(opening, stop, () => {
    void opening.then(closeSync)
  })
}

/** The result of a promise, or an error as soon as `stop` fires. `tidy` handles a later result. */
async function unlessStopped<T>(
  work: Promise<T>,
  stop: AbortSignal | undefined,
  tidy?: () => void,
): Promise<T> {
  if (!stop) return work
  // A failure after `stop` has no listener.
  work.catch(() => undefined)
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const onStop = () => {
    tidy?.()
    reject(stop.reason as Error)
  }
  stop.addEventListener('abort', onStop)
  try {
    return await Promise.race([work, stopped])
  } finally {
    stop.removeEventListener('abort', onStop)
  }
}

export async function* bytesOfStdin(stdin: Readable, progress: Progress): AsyncGenerator<Buffer, void> {
  try {
    for await (const chunk of stdin as AsyncIterable<string | Uint8Array>) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk)
      progress.bytes += bytes.length
      yield bytes
    }
  } catch (error) {
    throw unreadable('-', error)
  }
}

export function unreadable(file: string, error: unknown): FileError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const what =
    code === 'ENOENT'
      ? 'it does not exist'
      : code === 'EISDIR'
        ? 'it is a directory'
        : code === 'EACCES'
          ? 'it may not be read'
          : `it cannot be read (${String(code ?? error)})`
  return new FileError('cannot_read', file, what, error)
}

/** The size of a file. `undefined`: it is no regular file, such as stdin. */
export function sizeOf(file: string): number | undefined {
  if (file === '-') return undefined
  const stat = statSync(file, { throwIfNoEntry: false })
  return stat?.isFile() ? stat.size : undefined
}
