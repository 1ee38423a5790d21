import { closeSync, constants, open as openFd, openSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { FileError } from '../row.ts'

const CHUNK = 64 * 1024

/** What has been read of one file, on the disk. */
export interface Progress {
  bytes: number
}

/**
 * The bytes of a file, as they are on the disk. `stop` ends the wait for something that is no file on a disk and may be silent
 * for ever, such as a named pipe: a read of a file comes back by itself.
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
      const { buffer, bytesRead } = await unlessStopped(handle.read(Buffer.allocUnsafe(CHUNK)), stop)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    const closing = handle.close()
    // That waits for the read, too.
    if (!stop?.aborted) await closing
  }
}

/**
 * Not read as files are: a read of a pipe that is silent would keep one of the few threads for file access, and even
 * `process.exit()` waits for it.
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
  // Comes back at once, and there is no end of the data before the first writer has come.
  if (process.platform === 'linux') return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  // Comes back when the first writer has come. Elsewhere a pipe without one would seem to be at its end.
  const opening = promisify(openFd)(file, 'r')
  return unlessStopped(opening, stop, () => {
    void opening.then(closeSync)
  })
}

/** What a promise comes to, or an error as soon as `stop` says so. `tidy` is for what it comes to later. */
async function unlessStopped<T>(
  work: Promise<T>,
  stop: AbortSignal | undefined,
  tidy?: () => void,
): Promise<T> {
  if (!stop) return work
  // Nobody may be there to hear of it any more.
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
