import {
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { real, type RowFile } from '../output-files.ts'
import { recordEnd } from './file-ends.ts'
import { readRowsOf, type ReadRow } from './read-back.ts'

const COPY_BYTES = 1 << 20

/** Where a copy of a file stands until it takes its place. */
export const copyPath = ({ path }: RowFile): string => `${real(path)}.run.rows`

/** A copy of a file that has not taken its place yet. */
export interface Copy {
  /** Puts the copy in the place of the file. */
  replace: () => void
}

/**
 * Copies a file of rows without some of its rows. All other bytes stay as they are.
 *
 * @param until Rows that end behind this position stay.
 * @param isOut Tells whether to leave out a row.
 * @param onOut Gets the bytes of each row that is left out, with its line end.
 */
export async function copyWithout(
  file: RowFile,
  until: number,
  isOut: (row: ReadRow) => boolean,
  onOut: (row: ReadRow, bytes: Buffer) => void = () => undefined,
): Promise<Copy> {
  const path = real(file.path)
  const temporary = copyPath(file)
  const from = openSync(path, 'r')
  const to = openSync(temporary, 'w')
  try {
    fchmodSync(to, fstatSync(from).mode)
    let [copied, before] = [0, file.format === 'jsonl' ? 0 : (recordEnd(path, 0, file.format) ?? 0)]
    for await (const row of readRowsOf(file)) {
      if (row.end > until) break
      if (isOut(row)) {
        const bytes = bytesAt(from, before, row.end)
        // Blank lines and a byte order mark stand before the row, and are not of the row.
        const lead = /^(?:\xef\xbb\xbf)?(?:[ \t\r]*\n)*/.exec(bytes.toString('latin1'))?.[0].length ?? 0
        copyBytes(from, to, copied, before + lead)
        onOut(row, bytes.subarray(lead))
        copied = row.end
      }
      before = row.end
    }
    copyBytes(from, to, copied, fstatSync(from).size)
    fsyncSync(to)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  } finally {
    closeSync(from)
    closeSync(to)
  }
  return {
    replace: () => {
      renameSync(temporary, path)
    },
  }
}

function copyBytes(from: number, to: number, start: number, end: number): void {
  for (let at = start; at < end; at += COPY_BYTES) {
    const bytes = bytesAt(from, at, Math.min(at + COPY_BYTES, end))
    for (let done = 0; done < bytes.length;) done += writeSync(to, bytes, done)
  }
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
