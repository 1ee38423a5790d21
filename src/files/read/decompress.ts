import zlib from 'node:zlib'
import type { Compression } from '../format.ts'
import { FileError } from '../row.ts'

/** Small, as it may become a thousand times as many bytes. */
const PIECE = 4 * 1024

/**
 * Decompresses. Of data that are cut off or corrupt, it gives all that there is before that place, then throws.
 *
 * @param again Gives the source once more. Without it, what stands shortly before the place may be lost.
 */
export async function* decompress(
  source: AsyncIterable<Buffer>,
  compression: Compression,
  file: string,
  again?: () => AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void> {
  const place: Place = {}
  let given = 0
  try {
    for await (const some of unzipped(source, compression, file, place)) {
      given += some.length
      yield some
    }
  } catch (error) {
    if (place.failedAt !== undefined && again) {
      yield* restOf(unzipped(again(), compression, file, { from: place.failedAt }), given)
    }
    throw error
  }
}

interface Place {
  /** From this byte on it takes them one by one: `node:zlib` gives nothing of a piece in which it finds an error. */
  readonly from?: number
  /** Where the piece begins in which it has found an error. */
  failedAt?: number
}

async function* unzipped(
  source: AsyncIterable<Buffer>,
  compression: Compression,
  file: string,
  place: Place,
): AsyncGenerator<Buffer, void> {
  const { from = Infinity } = place
  let before = 0
  let unzip = new Unzip(compression, file)
  /** Between two members, or behind the last. */
  let isPadding = false
  try {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length;) {
        if (isPadding && chunk[at] === 0) {
          at++
          continue
        }
        isPadding = false
        const left = from - (before + at)
        const piece = chunk.subarray(at, at + (left > 0 ? Math.min(PIECE, left) : 1))
        const { taken, error, isOver } = await unzip.write(piece)
        yield* unzip.output.splice(0)
        if (error) {
          place.failedAt = before + at
          throw error
        }
        at += taken
        if (!isOver) continue
        unzip.destroy()
        unzip = new Unzip(compression, file)
        // Zeros fill up a gzip file, and one may have been put behind another: what comes next must be one again.
        isPadding = compression === 'gzip'
      }
      before += chunk.length
    }
    if (isPadding) return
    const error = await unzip.end()
    yield* unzip.output.splice(0)
    if (error) throw error
  } finally {
    unzip.destroy()
  }
}

/** What there is behind so many bytes, up to an error or the end. */
async function* restOf(bytes: AsyncIterable<Buffer>, given: number): AsyncGenerator<Buffer, void> {
  let before = 0
  try {
    for await (const some of bytes) {
      const start = Math.max(0, given - before)
      before += some.length
      if (start < some.length) yield some.subarray(start)
    }
  } catch {
    // The error that is known already.
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
