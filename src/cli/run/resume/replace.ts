import { existsSync } from 'node:fs'
import { rowHash } from '../../rows/identity.ts'
import { real, type OutputFiles, type RowFile } from '../output-files.ts'
import { moveAside } from '../../rows/move-aside.ts'
import { copyWithout } from './copy-without.ts'
import { Draft } from './draft.ts'
import { nameOf, type Earlier, type RowNumbers } from './earlier.ts'
import { bytesOf, recordEnd } from './file-ends.ts'
import { HashCounts } from './hash-counts.ts'

/**
 * Takes the rows out that newer rows replace. Rejected rows go, also from the rejects. Results,
 * which were paid for, move to a file beside the output. A kill loses nothing: before the call of
 * `commit`, the next run does the same again; after it, the next run puts the drafts in place.
 *
 * @param newer The rows that are noted. They stay.
 * @param commit Called when all drafts are whole. Gets the hashes of rejected records that a row
 *   with the same key and another content has replaced.
 */
export async function takeOutReplaced(
  { output, rejects }: OutputFiles,
  newer: HashCounts,
  earlier: Earlier,
  commit: (mended: readonly string[]) => void,
): Promise<RowNumbers> {
  const taken = { fulfilled: 0, rejected: 0 }
  const mended: string[] = []
  if (!output) return taken
  const { identifier } = earlier
  const rejections = new HashCounts()
  let results: Draft | undefined
  let rest: Draft | undefined
  try {
    rest = await copyWithout(
      output.rows,
      (row) => !newer.take(rowHash(row)) && earlier.takeReplaced(row),
      ({ own, reason }, bytes) => {
        taken[reason ? 'rejected' : 'fulfilled'] += 1
        if (!reason) {
          results ??= draftOfResults(output.rows)
          results.write(bytes)
          return
        }
        rejections.add(identifier.ofRejection(own, reason))
        const identity = identifier.of(own, reason)
        if (earlier.isMended(identity)) mended.push(nameOf(identity.id))
      },
    )
    // The rejects before the output: a run copies missing rejects from the output.
    if (rejects?.canResume && taken.rejected > 0 && existsSync(rejects.path)) {
      const others = await copyWithout(
        rejects.rows,
        ({ own, reason }) => reason !== undefined && rejections.take(identifier.ofRejection(own, reason)),
      )
      others.replace()
    }
    if (taken.fulfilled + taken.rejected === 0) {
      rest.discard()
      return taken
    }
    results?.finish()
    rest.finish()
    commit(mended)
  } catch (error) {
    results?.discard()
    rest?.discard()
    throw error
  }
  rest.replace()
  results?.replace()
  return taken
}

/** Where the results stand that newer results replaced. */
export const replacedPath = ({ path }: RowFile): string => `${real(path)}.replaced`

/** The results that newer results have replaced so far, in the format of the output. */
function draftOfResults(output: RowFile): Draft {
  const { path, format } = output
  const replaced = replacedPath(output)
  const header = format === 'jsonl' ? Buffer.alloc(0) : bytesOf(path, 0, recordEnd(path, 0, format))
  // The rows would get wrong columns.
  const isOther = existsSync(replaced) && !bytesOf(replaced, 0, header.length).equals(header)
  if (isOther) moveAside(replaced, replaced)
  const draft = new Draft(replaced)
  const before = existsSync(replaced) ? bytesOf(replaced, 0) : header
  draft.write(before)
  if (before.length > 0 && before.at(-1) !== 0x0a) draft.write('\n')
  return draft
}
