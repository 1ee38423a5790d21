import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { FileError } from './row.ts'

const CHUNK = 64 * 1024

/** What has been read of one file, on the disk. */
export interface Progress {
  bytes: number
}

/** The bytes of a file, as they are on the disk. */
export async function* bytesOf(file: string, progress: Progress): AsyncGenerator<Buffer, void> {
  const handle = await open(file).catch((error: unknown) => {
    throw unreadable(file, error)
  })
  try {
    for (;;) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(CHUNK)).catch((error: unknown) => {
        throw unreadable(file, error)
      })
      if (bytesRead === 0) return
      progress.bytes += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
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
