import type { FileHandle } from 'node:fs/promises'
import { inflateRawSync } from 'node:zlib'

const CHUNK_BYTES = 64 * 1024
/** Size of the record at the end of a ZIP file, and of the longest comment behind it. */
const END_BYTES = 22
const LONGEST_COMMENT = 65_535
const [END, CENTRAL, LOCAL] = [0x06054b50, 0x02014b50, 0x04034b50]
/** The first bytes of a Compound File of old Office programs, in which encrypted files are too. */
const COMPOUND = 0xd0cf11e0

/** A file in a ZIP file. */
interface Entry {
  readonly name: string
  /** Its record in the directory of the ZIP file. */
  readonly record: Buffer
}

/** Waits until the consumer wants more. */
export type Wanted = () => Promise<void>

/**
 * The bytes of an XLSX file, which is a ZIP file, with its sheets behind all other parts. In most
 * files the texts of the cells stand behind the sheets. A reader would have to keep a sheet.
 *
 * @param wanted Before each piece of a sheet. A reader of sheets would run ahead of its consumer.
 */
export async function* sheetsLast(
  file: FileHandle,
  size: number,
  wanted: Wanted,
): AsyncGenerator<Buffer, void> {
  const entries = await entriesOf(file, size)
  const isSheet = ({ name }: Entry) => name.startsWith('xl/worksheets/') && !name.includes('_rels')
  const isPart = ({ name }: Entry) => /\.(?:xml|rels)$/.test(name)
  const directory: Buffer[] = []
  let at = 0
  for (const entry of [
    ...entries.filter((one) => isPart(one) && !isSheet(one)),
    ...entries.filter(isSheet),
  ]) {
    const { record } = entry
    const placed = Buffer.from(record)
    placed.writeUInt32LE(at, 42)
    directory.push(placed)
    const header = localHeader(record)
    yield header
    at += header.length
    for await (const chunk of contentOf(file, record)) {
      if (isSheet(entry)) await wanted()
      yield chunk
      at += chunk.length
    }
  }
  yield* directory
  const end = Buffer.alloc(END_BYTES)
  end.writeUInt32LE(END, 0)
  end.writeUInt16LE(directory.length, 8)
  end.writeUInt16LE(directory.length, 10)
  end.writeUInt32LE(
    directory.reduce((sum, { length }) => sum + length, 0),
    12,
  )
  end.writeUInt32LE(at, 16)
  yield end
}

/** The content of a small part. `undefined`: there is no such part. */
export async function partOf(file: FileHandle, size: number, name: string): Promise<string | undefined> {
  const entry = (await entriesOf(file, size)).find((one) => one.name === name)
  if (!entry) return undefined
  const chunks: Buffer[] = []
  for await (const chunk of contentOf(file, entry.record)) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const isDeflated = entry.record.readUInt16LE(10) === 8
  return (isDeflated ? inflateRawSync(bytes) : bytes).toString()
}

async function entriesOf(file: FileHandle, size: number): Promise<Entry[]> {
  const tail = await read(file, Math.max(0, size - END_BYTES - LONGEST_COMMENT), size)
  let end = tail.length - END_BYTES
  while (end >= 0 && tail.readUInt32LE(end) !== END) end--
  if (end < 0) throw new Error(whyNoZip(await read(file, 0, Math.min(size, 4))))
  const start = tail.readUInt32LE(end + 16)
  const directory = await read(file, start, start + tail.readUInt32LE(end + 12))
  const entries: Entry[] = []
  for (let at = 0; at < directory.length;) {
    if (directory.readUInt32LE(at) !== CENTRAL) throw new Error('its directory is damaged')
    const nameEnd = at + 46 + directory.readUInt16LE(at + 28)
    const next = nameEnd + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
    entries.push({ name: directory.toString('utf8', at + 46, nameEnd), record: directory.subarray(at, next) })
    at = next
  }
  return entries
}

/** What a file without the end of a ZIP file is, by its first bytes. */
function whyNoZip(head: Buffer): string {
  if (head.length === 0) return 'it is empty'
  if (head.length < 4) return 'it is no ZIP file'
  if (head.readUInt32LE() === LOCAL) return 'it is cut off'
  return head.readUInt32BE() === COMPOUND ? 'it has a password, or is an .xls of old' : 'it is no ZIP file'
}

/** The header before the content of an entry, with its sizes. Some writers leave them out there. */
function localHeader(record: Buffer): Buffer {
  const nameLength = record.readUInt16LE(28)
  const header = Buffer.alloc(30 + nameLength)
  header.writeUInt32LE(LOCAL, 0)
  // From the version to the sizes, both headers have the same fields.
  record.copy(header, 4, 6, 28)
  header.writeUInt16LE(record.readUInt16LE(8) & ~SIZES_FOLLOW, 6)
  header.writeUInt16LE(nameLength, 26)
  record.copy(header, 30, 46, 46 + nameLength)
  return header
}

const SIZES_FOLLOW = 0x0008

async function* contentOf(file: FileHandle, record: Buffer): AsyncGenerator<Buffer, void> {
  const header = record.readUInt32LE(42)
  const local = await read(file, header, header + 30)
  if (local.readUInt32LE(0) !== LOCAL) throw new Error('one of its parts is not where the directory says')
  const start = header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28)
  const end = start + record.readUInt32LE(20)
  for (let at = start; at < end; at += CHUNK_BYTES) yield read(file, at, Math.min(end, at + CHUNK_BYTES))
}

async function read(file: FileHandle, start: number, end: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, end - start)), 0, end - start, start)
  if (bytesRead < end - start) throw new Error('it is cut off')
  return buffer
}
