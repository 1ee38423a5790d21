import zlib from 'node:zlib'
import type { Compression } from '../format.ts'
import { FileError } from '../row.ts'

/** Small, because a piece may decompress to a thousand times its size. */
const PIECE_BYTES = 4 * 1024

/**
 * Decompresses. If the data is cut off or corrupt, it first yields everything before that place,
 * then throws.
 *
 * @param again Opens the source once more. Without it, the last bytes before the place may be lost.
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
  /**
   * From this byte on, it decompresses byte by byte: `node:zlib` returns nothing of a piece with an
   * error.
   */
  readonly from?: number
  /** Start of the piece with the error. */
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
  /** Whether the position is between two members, or behind the last member. */
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
        const piece = chunk.subarray(at, at + (left > 0 ? Math.min(PIECE_BYTES, left) : 1))
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
        // Zeros may follow a gzip member, and then another member: everything else is an error.
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

/** The bytes behind the first `given` bytes, until an error or the end. */
async function* restOf(bytes: AsyncIterable<Buffer>, given: number): AsyncGenerator<Buffer, void> {
  let before = 0
  try {
    for await (const some of bytes) {
      const start = Math.max(0, given - before)
      before += some.length
      if (start < some.length) yield some.subarray(start)
    }
  } catch {
    // The caller throws the first error.
  }
}

interface Written {
  /** Number of bytes that it used. */
  readonly taken: number
  readonly error?: FileError
  /** Whether its data has ended. It takes no more bytes then. */
  readonly isOver?: boolean
}

/**
 * A stream of `node:zlib`, one piece at a time. It uses no pipe, because an error would drop the
 * waiting output. Instead the stream flows, and gets the next piece after the consumer has taken
 * the output of the piece before.
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
    // At the end of its data, the stream ends and never confirms the piece.
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
  // Not a named import, because older versions than Node 22.15 do not have it.
  const { createZstdDecompress } = zlib as Partial<typeof zlib>
  if (createZstdDecompress) return createZstdDecompress()
  throw new FileError(
    'cannot_decompress',
    file,
    `it needs Node 22.15 or later to decompress zstd, this is ${process.version}`,
  )
}
