import { appendFileSync, existsSync } from 'node:fs'
import { real, type OutputFiles, type RowFile } from '../output-files.ts'
import { moveAside } from './aside.ts'
import { copyWithout } from './copy-without.ts'
import { nameOf, type Earlier, type RowNumbers } from './earlier.ts'
import { bytesOf, recordEnd } from './file-ends.ts'
import { HashCounts } from './hash-counts.ts'

export interface TakenOut extends RowNumbers {
  /** Hashes of rejected records that a row with the same key and another content has replaced. */
  readonly mended: readonly string[]
}

/**
 * Takes the rows out that newer rows replace. Rejected rows go, also from the rejects. Results,
 * which were paid for, move to a file beside the output. A kill at any moment loses nothing: the
 * state still says from where on rows replace others, and the next run does this again.
 *
 * @param from Position in the output of the first row that replaces another.
 * @param beforeEnd Notes in the state what was taken out. Then the output is replaced.
 */
export async function takeOutReplaced(
  { output, rejects }: OutputFiles,
  from: number,
  earlier: Earlier,
  beforeEnd: (taken: TakenOut) => void,
): Promise<TakenOut> {
  const taken = { fulfilled: 0, rejected: 0, mended: [] as string[] }
  if (!output) return taken
  const { identifier } = earlier
  const rejections = new HashCounts()
  let results: Results | undefined
  const copy = await copyWithout(
    output.rows,
    from,
    (row) => earlier.takeReplaced(row),
    ({ own, reason }, bytes) => {
      taken[reason ? 'rejected' : 'fulfilled'] += 1
      if (!reason) (results ??= new Results(output.rows)).add(bytes)
      else {
        rejections.add(identifier.ofRejection(own, reason))
        const identity = identifier.of(own, reason)
        if (earlier.isMended(identity)) taken.mended.push(nameOf(identity.id))
      }
    },
  )
  results?.close()
  // The rejects first: a run copies missing rejects from the output.
  if (rejects?.canResume && taken.rejected > 0 && existsSync(rejects.path)) {
    const rest = await copyWithout(
      rejects.rows,
      Infinity,
      ({ own, reason }) => reason !== undefined && rejections.take(identifier.ofRejection(own, reason)),
    )
    rest.replace()
  }
  beforeEnd(taken)
  copy.replace()
  return taken
}

/** Where the results stand that newer results replaced. */
export const replacedPath = ({ path }: RowFile): string => `${real(path)}.replaced`

/** The results that newer results replace, in the format of the output. */
class Results {
  readonly #path: string
  #waiting: Buffer[] = []
  #bytes = 0

  constructor(file: RowFile) {
    const { path, format } = file
    this.#path = replacedPath(file)
    const header = format === 'jsonl' ? Buffer.alloc(0) : bytesOf(path, 0, recordEnd(path, 0, format))
    if (existsSync(this.#path)) {
      if (bytesOf(this.#path, 0, header.length).equals(header)) return
      // The rows of an earlier header would get wrong columns.
      moveAside(this.#path, this.#path)
    }
    appendFileSync(this.#path, header)
  }

  add(bytes: Buffer): void {
    this.#waiting.push(bytes)
    this.#bytes += bytes.length
    if (this.#bytes > 1 << 20) this.#write()
  }

  close(): void {
    this.#write()
  }

  #write(): void {
    appendFileSync(this.#path, Buffer.concat(this.#waiting), { flush: true })
    this.#waiting = []
    this.#bytes = 0
  }
}
