import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { real, type RowFile } from '../output-files.ts'
import { Draft } from './draft.ts'
import { recordEnd } from './file-ends.ts'
import { readRowsOf, type ReadRow } from './read-back.ts'

const COPY_BYTES = 1 << 20

/**
 * Copies a file of rows without some of its rows. All other bytes stay as they are.
 *
 * @param isOut Tells whether to leave out a row.
 * @param onOut Gets the bytes of each row that is left out, with its line end.
 */
export async function copyWithout(
  file: RowFile,
  isOut: (row: ReadRow) => boolean,
  onOut: (row: ReadRow, bytes: Buffer) => void | Promise<void> = () => undefined,
): Promise<Draft> {
  const path = real(file.path)
  const from = openSync(path, 'r')
  const copy = new Draft(path)
  try {
    let [copied, before] = [0, file.format === 'jsonl' ? 0 : (recordEnd(path, 0, file.format) ?? 0)]
    for await (const row of readRowsOf(file)) {
      if (isOut(row)) {
        const bytes = bytesAt(from, before, row.end)
        // Blank lines and a byte order mark stand before the row, and are not of the row.
        const lead = /^(?:\xef\xbb\xbf)?(?:[ \t\r]*\n)*/.exec(bytes.toString('latin1'))?.[0].length ?? 0
        copyBytes(from, copy, copied, before + lead)
        await onOut(row, bytes.subarray(lead))
        copied = row.end
      }
      before = row.end
    }
    copyBytes(from, copy, copied, fstatSync(from).size)
    return copy
  } catch (error) {
    copy.discard()
    throw error
  } finally {
    closeSync(from)
  }
}

function copyBytes(from: number, to: Draft, start: number, end: number): void {
  for (let at = start; at < end; at += COPY_BYTES) to.write(bytesAt(from, at, Math.min(at + COPY_BYTES, end)))
}

function bytesAt(file: number, start: number, end: number): Buffer {
  const bytes = Buffer.alloc(end - start)
  for (let done = 0; done < bytes.length;) {
    const read = readSync(file, bytes, done, bytes.length - done, start + done)
    if (read === 0) throw new Error('the file became shorter while it was copied')
    done += read
  }
  return bytes
}
