import zlib from 'node:zlib'
import type { Compression } from './format.ts'
import { FileError } from './row.ts'

/** Small, as it may become a thousand times as many bytes. */
const PIECE = 4 * 1024

/** Decompresses. Of data that are cut off, it gives all that there is before it throws. */
export async function* decompress(
  source: AsyncIterable<Buffer>,
  compression: Compression,
  file: string,
): AsyncGenerator<Buffer, void> {
  let unzip = new Unzip(compression, file)
  try {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length;) {
        const piece = chunk.subarray(at, at + PIECE)
        const { taken, error, isOver } = await unzip.write(piece)
        yield* unzip.output.splice(0)
        if (error) throw error
        at += taken
        if (!isOver) continue
        // What follows the last member of a gzip file can only be zeros that fill it up.
        if (compression === 'gzip') return
        unzip.destroy()
        unzip = new Unzip(compression, file)
      }
    }
    const error = await unzip.end()
    yield* unzip.output.splice(0)
    if (error) throw error
  } finally {
    unzip.destroy()
  }
}

interface Written {
  /** How many of the bytes it has used. */
  readonly taken: number
  readonly error?: FileError
  /** It has come to the end of its data, and takes no more. */
  readonly isOver?: boolean
}

/**
 * A stream of `node:zlib`, one piece at a time. It is not piped: an error would throw away what waits in its buffer. Instead
 * it flows, and gets the next piece when the output of the one before has been taken.
 */
class Unzip {
  readonly output: Buffer[] = []
  readonly #stream: zlib.Gunzip | zlib.ZstdDecompress
  readonly #failed: Promise<FileError>
  readonly #ended: Promise<'ended'>

  constructor(compression: Compression, file: string) {
    const stream = compression === 'gzip' ? zlib.createGunzip() : createZstd(file)
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => this.output.push(chunk))
    this.#failed = new Promise((resolve) => {
      stream.once('error', (cause) => {
        const what = `its ${compression} data is cut off or corrupt`
        resolve(new FileError('cannot_decompress', file, what, cause))
      })
    })
    this.#ended = new Promise((resolve) => {
      stream.once('end', () => {
        resolve('ended')
      })
    })
  }

  async write(piece: Buffer): Promise<Written> {
    const before = this.#stream.bytesWritten
    const written = new Promise<undefined>((resolve) => {
      this.#stream.write(piece, (error) => {
        if (!error) resolve(undefined)
      })
    })
    // At the end of its data it ends, and never says that the piece was written.
    const result = await Promise.race([this.#failed, this.#ended, written])
    if (result instanceof FileError) return { taken: 0, error: result }
    if (result === undefined) return { taken: piece.length }
    return { taken: this.#stream.bytesWritten - before, isOver: true }
  }

  async end(): Promise<FileError | undefined> {
    this.#stream.end()
    const result = await Promise.race([this.#failed, this.#ended])
    return result === 'ended' ? undefined : result
  }

  destroy(): void {
    this.#stream.destroy()
  }
}

function createZstd(file: string): zlib.ZstdDecompress {
  // Not a named import, and asked for: Node has it since 22.15.
  const { createZstdDecompress } = zlib as Partial<typeof zlib>
  if (createZstdDecompress) return createZstdDecompress()
  throw new FileError(
    'cannot_decompress',
    file,
    `it needs Node 22.15 or later to decompress zstd, this is ${process.version}`,
  )
}
