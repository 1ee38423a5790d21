import { isUtf8 } from 'node:buffer'
import { LF } from './chars.ts'
import { Decoder } from './decoder.ts'
import { RowError } from '../row.ts'
import { countOf } from './utf8.ts'

/**
 * The text of a whole small file, such as a list of labels: UTF-8, or UTF-16 if the bytes show it,
 * without byte order marks, and with LF at the end of each line.
 *
 * @param file The name of the file in errors.
 * @throws {RowError} For bytes that are no text. It names the line.
 */
export function wholeText(bytes: Uint8Array, file: string): string {
  const utf8 = new Decoder(file, undefined).decode(Buffer.from(bytes), true)
  if (!isUtf8(utf8)) {
    let start = 0
    for (let end; (end = utf8.indexOf(LF, start)) >= 0; start = end + 1) {
      if (!isUtf8(utf8.subarray(start, end))) break
    }
    const line = countOf(utf8.subarray(0, start), LF) + 1
    const what = 'expected UTF-8 or UTF-16, got bytes that are not. Save the file as UTF-8'
    throw new RowError('invalid_utf8', file, line, what)
  }
  return utf8
    .toString()
    .replaceAll(/^\ufeff+/gm, '')
    .replaceAll(/\r\n?/g, '\n')
}
