import { formatOf, type Compression } from '../format.ts'

const MAGIC: readonly { readonly compression: Compression; readonly bytes: readonly number[] }[] = [
  { compression: 'gzip', bytes: [0x1f, 0x8b] },
  { compression: 'zstd', bytes: [0x28, 0xb5, 0x2f, 0xfd] },
]
const MOST_BYTES = 4

/**
 * Shows by the first bytes of a file how it is compressed. Its name decides only if the bytes are
 * no text either: then they are broken.
 *
 * @returns All bytes of the source once more.
 */
export async function compressionOf(
  source: AsyncIterable<Buffer>,
  file: string,
): Promise<{ readonly compression: Compression | undefined; readonly bytes: AsyncIterable<Buffer> }> {
  const iterator = source[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>
  let head: Buffer = Buffer.alloc(0)
  // Silence after a first short line must not keep the line back.
  while (head.length < MOST_BYTES && isBegun(head)) {
    const { value } = await iterator.next()
    if (value === undefined) break
    head = Buffer.concat([head, value])
  }
  const found = MAGIC.find(({ bytes }) => bytes.every((byte, at) => head[at] === byte))?.compression
  const named = file === '-' || isText(head) ? undefined : formatOf(file).compression
  return { compression: found ?? named, bytes: joined(head, iterator) }
}

/** Whether more bytes may make one of the marks of these bytes. */
function isBegun(head: Buffer): boolean {
  return MAGIC.some(({ bytes }) => bytes.length > head.length && head.every((byte, at) => byte === bytes[at]))
}

/** Whether the bytes are a text, or nothing at all. */
function isText(head: Buffer): boolean {
  return head.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d)
}

async function* joined(
  head: Buffer,
  iterator: AsyncIterator<Buffer, undefined>,
): AsyncGenerator<Buffer, void> {
  try {
    if (head.length > 0) yield head
    for (;;) {
      const { value } = await iterator.next()
      if (value === undefined) return
      yield value
    }
  } finally {
    await iterator.return?.()
  }
}
