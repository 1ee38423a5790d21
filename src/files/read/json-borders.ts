import { BACKSLASH, QUOTE } from './chars.ts'
import { isSpace } from './utf8.ts'

const CLOSING: Readonly<Record<number, number>> = { 0x5b: 0x5d, 0x7b: 0x7d }

/**
 * Looks at an element that is not JSON. Says why its end, a comma or bracket, is doubtful: then the
 * start of the next element is not known. `undefined`: the brackets match, and nothing is beside
 * them.
 */
export function doubtOf(element: Buffer): string | undefined {
  const open: number[] = []
  // Whether a value has begun, and whether it can continue.
  let begun: 'no' | 'goes on' | 'is over' = 'no'
  for (let at = 0; at < element.length; at++) {
    const byte = element[at] ?? 0
    if (isSpace(byte)) {
      if (open.length === 0 && begun === 'goes on') begun = 'is over'
      continue
    }
    if (open.length === 0 && begun === 'is over') return 'a comma seems to be missing'
    const closing = CLOSING[byte]
    if (closing !== undefined || byte === QUOTE) {
      if (open.length === 0 && begun === 'goes on') return 'a comma seems to be missing'
      if (closing === undefined) at = endOfString(element, at)
      else open.push(closing)
      if (open.length === 0) begun = 'is over'
    } else if (byte === 0x5d || byte === 0x7d) {
      if (open.pop() !== byte) return 'its brackets do not belong together'
      if (open.length === 0) begun = 'is over'
    } else if (open.length === 0) begun = 'goes on'
  }
  return undefined
}

function endOfString(bytes: Buffer, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === QUOTE) return at
    if (bytes[at] === BACKSLASH) at++
  }
  return bytes.length
}
