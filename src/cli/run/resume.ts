import { rmSync, statSync } from 'node:fs'
import { UsageError } from '../usage-error.ts'
import { DoneSet } from './done-set.ts'
import { isFile, type OutputFile } from './output-files.ts'
import { cutRejects, readBack, type ReadBack } from './read-back.ts'
import { changesSince, isRunning, readState, removeState, statePath, type RunState } from './state.ts'

/**
 * Finds out what is in the output already, and makes sure that it can be gone on with.
 *
 * @throws {UsageError} If it cannot: the message says why, and what to do.
 */
export async function prepareOutput(
  { output, rejects }: { output: OutputFile | undefined; rejects: OutputFile | undefined },
  now: RunState,
  { force = false, overwrite = false }: { force?: boolean; overwrite?: boolean },
): Promise<ReadBack> {
  if (force && overwrite) throw new UsageError('Expected --force or --overwrite, got both')
  const nothing = { done: new DoneSet(), rejected: 0 }
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
    return nothing
  }
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
    const back = await readBack(output.path, output.format)
    if (rejects && isFile(rejects.path)) await cutRejects(rejects.path, rejects.format, back.done)
    return back
  }
  if (rejects && hasContent(rejects) && !force) {
    // Those of a run that was stopped before it had written anything else are its own.
    if (!before)
      throw new UsageError(`${rejects.path} is there already. --overwrite replaces it, --force adds to it`)
    await cutRejects(rejects.path, rejects.format, nothing.done)
  }
  return nothing
}

function hasContent({ path }: OutputFile): boolean {
  return isFile(path) && statSync(path).size > 0
}
