import { isUtf8 } from 'node:buffer'
import type { BadRow } from '../row.ts'

/** The source text of a bad row: a copy of the bytes where they are no text. */
export function rawOf(bytes: Buffer): BadRow['raw'] {
  return isUtf8(bytes) ? bytes.toString() : Uint8Array.from(bytes)
}

/** White space as JSON has it. */
export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a
}

/** Whether there is nothing to see in it. */
export function isBlank(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!isSpace(bytes[at])) return false
  return true
}
