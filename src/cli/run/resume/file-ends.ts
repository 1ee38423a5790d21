import { appendFileSync, closeSync, fstatSync, openSync, readSync, statSync, truncateSync } from 'node:fs'
import type { RowFormat } from '../../rows/output-row.ts'
import type { RowFile } from '../output-files.ts'
import { naming } from '../../rows/naming.ts'

const CHUNK_BYTES = 1 << 16
const LF = 0x0a
const QUOTE = 0x22

export function sizeOf(path: string): number {
  return statSync(path).size
}

/** The bytes of a file between two positions, or to its end. */
export function bytesOf(path: string, from: number, to = Infinity): Buffer {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(Math.max(Math.min(to, fstatSync(file).size) - from, 0))
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from))
  } finally {
    closeSync(file)
  }
}

/**
 * Position behind the first record at or after a position, where its line end is. In a table, a
 * line break between quotes ends no record. `undefined`: no record ends there.
 */
export function recordEnd(path: string, from: number, format: RowFormat): number | undefined {
  let [isQuoted, isBlank] = [false, true]
  for (let at = from; ; at += CHUNK_BYTES) {
    const bytes = bytesOf(path, at, at + CHUNK_BYTES)
    if (bytes.length === 0) return undefined
    for (const [i, byte] of bytes.entries()) {
      if (byte === QUOTE && format !== 'jsonl') isQuoted = !isQuoted
      if (byte === LF && !isQuoted && !isBlank) return at + i + 1
      isBlank &&= isSpace(byte)
    }
  }
}

/**
 * Where an unfinished record begins, if nothing else follows a position. Blank lines before it
 * stay. `undefined`: a whole record follows, or nothing.
 */
export function unfinishedFrom(path: string, end: number, format: RowFormat): number | undefined {
  if (recordEnd(path, end, format) !== undefined) return undefined
  const bytes = bytesOf(path, end)
  const start = bytes.findIndex((byte) => !isSpace(byte))
  return start < 0 ? undefined : end + start
}

/** Whether only blank lines follow a position. */
export function isBlankFrom(path: string, end: number): boolean {
  return bytesOf(path, end).every(isSpace)
}

/**
 * Cuts off an unfinished row behind the last row, and adds a missing line end. The bytes go to a
 * file beside it, because they may be of a person.
 */
export function repairEnd({ path, format }: RowFile, end: number, lineEnd: string): void {
  const from = unfinishedFrom(path, end, format)
  if (from !== undefined) {
    naming(`${path}.torn`, () => {
      appendFileSync(`${path}.torn`, bytesOf(path, from), { flush: true })
    })
    truncateSync(path, from)
  }
  const size = sizeOf(path)
  if (size > 0 && bytesOf(path, size - 1)[0] !== LF) appendFileSync(path, lineEnd)
}

/** Spaces and line ends: a reader sees no record in them. */
function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === LF
}
