import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import zlib from 'node:zlib'
import type { Compression } from './format.ts'
import { FileError } from './row.ts'

const CHUNK = 64 * 1024
/** Of compressed bytes, which may become a thousand times as many. */
const PIECE = 4 * 1024

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

function unreadable(file: string, error: unknown): FileError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const what =
    code === 'ENOENT'
      ? 'it does not exist'
      : code === 'EISDIR'
        ? 'it is a directory'
        : code === 'EACCES'
          ? 'it may not be read'
          : `it cannot be read: ${String(error)}`
  return new FileError('cannot_read', file, what, error)
}

/**
 * Decompresses, and gives all that can be before it throws.
 *
 * The unzipping stream is not piped: an error would throw away what is in its buffer. Instead it flows, and gets its input
 * in small pieces, the next one only when the output of the one before has been taken.
 */
export async function* decompress(
  source: AsyncIterable<Buffer>,
  compression: Compression,
  file: string,
): AsyncGenerator<Buffer, void> {
  const unzip = compression === 'gzip' ? zlib.createGunzip() : createZstd(file)
  const output: Buffer[] = []
  unzip.on('data', (chunk: Buffer) => output.push(chunk))
  const failed = new Promise<FileError>((resolve) => {
    unzip.on('error', (cause) => {
      const what = `its ${compression} data is cut off or corrupt`
      resolve(new FileError('cannot_decompress', file, what, cause))
    })
  })
  /** Waits until that is done, or returns why it never will be. */
  const step = (start: (done: () => void) => void): Promise<FileError | undefined> =>
    Promise.race([
      failed,
      new Promise<undefined>((resolve) => {
        start(() => {
          resolve(undefined)
        })
      }),
    ])

  try {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length; at += PIECE) {
        const error = await step((done) => {
          unzip.write(chunk.subarray(at, at + PIECE), (failure) => {
            if (!failure) done()
          })
        })
        yield* output.splice(0)
        if (error) throw error
      }
    }
    const error = await step((done) => {
      unzip.once('end', done).end()
    })
    yield* output.splice(0)
    if (error) throw error
  } finally {
    unzip.destroy()
  }
}

function createZstd(file: string) {
  // Not a named import, and asked for: Node has it since 22.15.
  const { createZstdDecompress } = zlib as Partial<typeof zlib>
  if (createZstdDecompress) return createZstdDecompress()
  throw new FileError('cannot_decompress', file, `zstd needs Node 22.15, this is ${process.version}`)
}
