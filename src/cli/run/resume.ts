import { rmSync, statSync } from 'node:fs'
import { UsageError } from '../usage-error.ts'
import { isFile, type OutputFile } from './output-files.ts'
import { nothing, readBack, type ReadBack } from './read-back.ts'
import { changesSince, isRunning, readState, removeState, statePath, type RunState } from './state.ts'

/** What there is from earlier runs. */
export interface Before {
  readonly output: ReadBack
  readonly rejects: ReadBack
}

/**
 * Finds out what is in the output already, and makes sure that it can be gone on with.
 *
 * @throws {UsageError} If it cannot: the message says why, and what to do.
 */
export async function prepareOutput(
  { output, rejects }: { output: OutputFile | undefined; rejects: OutputFile | undefined },
  now: RunState,
  { force = false, overwrite = false }: { force?: boolean; overwrite?: boolean },
): Promise<Before> {
  if (force && overwrite) throw new UsageError('Expected --force or --overwrite, got both')
  const before = output && readState(output.path)
  if (before?.pid !== undefined && before.pid !== process.pid && isRunning(before.pid) && !force) {
    throw new UsageError(
      `${output?.path ?? ''} is being written by another run, process ${before.pid}. If that is not so, --force goes on`,
    )
  }
  const files = [output, rejects].filter((file) => file !== undefined)
  if (overwrite) {
    for (const { path } of files) if (isFile(path)) rmSync(path)
    if (output) removeState(output.path)
    return { output: nothing(), rejects: nothing() }
  }
  const hasRejects = rejects && hasContent(rejects)
  if (output && hasContent(output)) {
    if (!before && !force) {
      throw new UsageError(
        `${output.path} is there already, and ${statePath(output.path)}, which tells what it holds, is not. ` +
          '--overwrite replaces it, --force adds to it',
      )
    }
    const changes = before ? changesSince(before, now) : []
    if (changes.length > 0 && !force) {
      throw new UsageError(
        `${output.path} was begun with something else: ${changes.join(', ')}. ` +
          '--force goes on all the same, --overwrite starts anew',
      )
    }
    const back = await readBack(output)
    // Rejected rows are written there first, and both in the same order: what the output has not is the end of it.
    const isKept = (index: number) => back.done.has(index)
    return { output: back, rejects: hasRejects ? await readBack(rejects, isKept) : nothing() }
  }
  if (hasRejects && !force) {
    if (!before) {
      throw new UsageError(`${rejects.path} is there already. --overwrite replaces it, --force adds to it`)
    }
    // The run was stopped before it had written anything else.
    return { output: nothing(), rejects: await readBack(rejects, () => false) }
  }
  return { output: nothing(), rejects: nothing() }
}

function hasContent({ path }: OutputFile): boolean {
  return isFile(path) && statSync(path).size > 0
}
