import { isUtf8 } from 'node:buffer'
import type { BadRow } from '../row.ts'

/** The text of a bad row, or a copy of its bytes if they are not UTF-8. */
export function rawOf(bytes: Buffer): BadRow['raw'] {
  return isUtf8(bytes) ? bytes.toString() : Uint8Array.from(bytes)
}

/** Whether JSON takes a byte for white space. */
export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a
}

/** Whether the bytes are white space only. */
export function isBlank(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!isSpace(bytes[at])) return false
  return true
}

/** A byte order mark, as latin1. */
export const UTF8_MARK = '\xef\xbb\xbf'
export const MARK_START = 0xef

/** The position behind byte order marks. They stand inside a file that was put together. */
export function afterMarks(bytes: Buffer, start: number, end: number): number {
  let at = start
  while (at + 3 <= end && bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf) at += 3
  return at
}

/** Whether the bytes end at the position or within a byte order mark that begins there. */
export function mayBeMark(bytes: Buffer, at: number): boolean {
  return UTF8_MARK.startsWith(bytes.toString('latin1', at, at + UTF8_MARK.length))
}

/** How often a byte is in the bytes. */
export function countOf(bytes: Buffer, byte: number): number {
  let count = 0
  for (let at = bytes.indexOf(byte); at >= 0; at = bytes.indexOf(byte, at + 1)) count++
  return count
}
