import { existsSync } from 'node:fs'
import { RowError, type EarlierRow } from '../../../files/index.ts'
import { rowHash } from '../../rows/identity.ts'
import { real, type OutputFiles, type RowFile } from '../output-files.ts'
import { moveAside } from './aside.ts'
import { copyWithout } from './copy-without.ts'
import { Draft } from './draft.ts'
import { nameOf, type Earlier, type RowNumbers } from './earlier.ts'
import { bytesOf, recordEnd } from './file-ends.ts'
import { HashCounts } from './hash-counts.ts'
import { readRowsOf } from './read-back.ts'

/**
 * Takes the rows out that newer rows replace. Rejected rows go, also from the rejects. Results,
 * which were paid for, move to a file beside the output. A kill at any moment loses nothing: the
 * output is the last file to change, and the next run does the same again.
 *
 * @param newer The rows that are noted. They stay.
 * @param keep Gets the hashes of rejected records that a row with the same key and another content
 *   has replaced, before the output changes.
 */
export async function takeOutReplaced(
  { output, rejects }: OutputFiles,
  newer: HashCounts,
  earlier: Earlier,
  keep: (mended: readonly string[]) => void,
): Promise<RowNumbers> {
  const taken = { fulfilled: 0, rejected: 0 }
  const mended: string[] = []
  if (!output) return taken
  const { identifier } = earlier
  const rejections = new HashCounts()
  let results: Results | undefined
  let rest: Draft | undefined
  try {
    rest = await copyWithout(
      output.rows,
      (row) => !newer.take(rowHash(row)) && earlier.takeReplaced(row),
      async (row, bytes) => {
        const { own, reason } = row
        taken[reason ? 'rejected' : 'fulfilled'] += 1
        if (!reason) {
          results ??= await Results.open(output.rows)
          results.add(row, bytes)
          return
        }
        rejections.add(identifier.ofRejection(own, reason))
        const identity = identifier.of(own, reason)
        if (earlier.isMended(identity)) mended.push(nameOf(identity.id))
      },
    )
    if (taken.fulfilled + taken.rejected === 0) return taken
    results?.file.replace()
    // The rejects before the output: a run copies missing rejects from the output.
    if (rejects?.canResume && taken.rejected > 0 && existsSync(rejects.path)) {
      const others = await copyWithout(
        rejects.rows,
        ({ own, reason }) => reason !== undefined && rejections.take(identifier.ofRejection(own, reason)),
      )
      others.replace()
    }
    keep(mended)
    rest.replace()
    return taken
  } finally {
    results?.file.discard()
    rest?.discard()
  }
}

/** Where the results stand that newer results replaced. */
export const replacedPath = ({ path }: RowFile): string => `${real(path)}.replaced`

/** The results that newer results replace, in the format of the output. */
class Results {
  readonly file: Draft
  readonly #there: HashCounts

  private constructor(file: Draft, there: HashCounts) {
    this.file = file
    this.#there = there
  }

  static async open(output: RowFile): Promise<Results> {
    const { path, format } = output
    const replaced = { ...output, path: replacedPath(output) }
    const header = format === 'jsonl' ? Buffer.alloc(0) : bytesOf(path, 0, recordEnd(path, 0, format))
    const there = await rowsThere(replaced, header)
    // The rows would get wrong columns, or a person has made another file of it.
    if (!there && existsSync(replaced.path)) moveAside(replaced.path, replaced.path)
    const file = new Draft(replaced.path)
    const before = there ? bytesOf(replaced.path, 0) : header
    file.write(before)
    if (before.length > 0 && before.at(-1) !== 0x0a) file.write('\n')
    return new Results(file, there ?? new HashCounts())
  }

  /** Adds a row, unless a run that was killed before its end has added it. */
  add(row: EarlierRow, bytes: Buffer): void {
    if (!this.#there.take(rowHash(row))) this.file.write(bytes)
  }
}

/** The rows of the file. `undefined`: it can't be extended. */
async function rowsThere(file: RowFile, header: Buffer): Promise<HashCounts | undefined> {
  if (!existsSync(file.path) || !bytesOf(file.path, 0, header.length).equals(header)) return undefined
  const rows = new HashCounts()
  try {
    for await (const row of readRowsOf(file)) rows.add(rowHash(row))
  } catch (error) {
    if (error instanceof RowError) return undefined
    throw error
  }
  return rows
}
