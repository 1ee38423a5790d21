import { UsageError } from '../../flags/usage-error.ts'
import type { RowFile } from '../output-files.ts'
import type { Earlier } from './earlier.ts'
import type { HashCounts } from './hash-counts.ts'
import { readBack, type Expected, type FileEnd } from './read-back.ts'

/**
 * Reads the rejects of earlier runs, and checks that each row is a rejected row of the output.
 *
 * @param rejections The rejected rows of the output. The rows that the rejects lack are left in it.
 * @throws {UsageError} If a person has changed the file. Its rows must not be lost.
 */
export async function readRejects(
  rejects: RowFile,
  expected: Expected,
  rejections: HashCounts,
  { identifier }: Earlier,
): Promise<FileEnd> {
  const { path } = rejects
  const remedy = mended(path)
  try {
    return await readBack(rejects, expected, ({ own, reason, place }) => {
      if (!reason || !rejections.take(identifier.ofRejection(own, reason)))
        throw new UsageError(`${place}: the output has no such rejected row. ${remedy}`)
    })
  } catch (error) {
    if (!(error instanceof UsageError) || error.message.includes(remedy)) throw error
    throw new UsageError(`${error.message.replace(/\. Nothing was changed\..*$/s, '')}. ${remedy}`, {
      cause: error,
    })
  }
}

function mended(path: string): string {
  return (
    `${path} is a copy of the rejected rows of the output, and nothing was changed. ` +
    'If you have mended its rows, make it the input of this output, with the --key by which records are known. ' +
    'Otherwise delete it, and the run makes it again, or give another name'
  )
}
