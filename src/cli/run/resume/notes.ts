import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import type { EarlierRow } from '../../../files/index.ts'
import { rowHash } from '../../rows/identity.ts'
import { real } from '../output-files.ts'
import { naming } from '../../rows/naming.ts'
import { hashOfName, nameOf } from './earlier.ts'
import { HashCounts } from './hash-counts.ts'

/*
 * A row that replaces others is noted before it is written, by the hash of all its columns: also
 * after a kill, and however a person has sorted the output since, a run knows which rows are new.
 * The notes stay until the replaced rows are out.
 */

/** Where an output has the notes. */
export const notesPath = (output: string): string => `${real(output)}.run.replacing`

/** Notes a row of an output that replaces others. */
export function noteReplacing(output: string, row: EarlierRow): void {
  const path = notesPath(output)
  naming(path, () => {
    // A kill may leave the last note without its end.
    appendFileSync(path, `\n${nameOf(rowHash(row))}`)
  })
}

/** The rows that are noted. `undefined`: no row is to be replaced. */
export function readNotes(output: string): HashCounts | undefined {
  if (!existsSync(notesPath(output))) return undefined
  const notes = new HashCounts()
  for (const line of readFileSync(notesPath(output), 'latin1').split('\n')) {
    const hash = hashOfName(line)
    if (hash) notes.add(hash)
  }
  return notes
}

export function endNotes(output: string): void {
  rmSync(notesPath(output), { force: true })
}
