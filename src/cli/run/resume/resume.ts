import { rmSync, truncateSync } from 'node:fs'
import { UsageError } from '../../flags/usage-error.ts'
import { hasContent, isFile, type OutputFiles } from '../output-files.ts'
import { nothing, readBack, REFILLED, type ReadBack } from './read-back.ts'
import { changesSince, readState, removeState, statePath, type RunState } from './state.ts'

/** What there is from earlier runs. */
export interface Before {
  readonly output: ReadBack
  readonly rejects: ReadBack
  /** What this run has to leave behind: that of now, and which rejects are its own although they are not named now. */
  readonly state: RunState
}

/**
 * Finds out what is in the output already, makes sure that it can be gone on with, and cuts off what was not finished.
 *
 * @throws {UsageError} If it cannot: the message says why, and what to do. Nothing has been changed then.
 */
export async function readBefore(
  { output, rejects }: OutputFiles,
  now: RunState,
  force: boolean,
): Promise<Before> {
  const state = output && readState(output.path)
  if (rejects && hasContent(rejects) && (!state || state.rejects !== now.rejects)) {
    throw new UsageError(`${rejects.path} is there already, and not from this job. ${REFILLED}`)
  }
  if (output && hasContent(output)) {
    if (!state && !force) {
      throw new UsageError(
        `${output.path} is there already, and ${statePath(output.path)}, which tells what it holds, is not. ` +
          '--overwrite replaces it, --force goes on if it is from a run',
      )
    }
    const changes = state ? changesSince(state, now) : []
    if (changes.length > 0 && !force) {
      throw new UsageError(
        `${output.path} was begun with something else: ${changes.join(', ')}. ` +
          '--force goes on all the same, --overwrite starts anew',
      )
    }
  }
  const written = output && hasContent(output) ? await readBack(output, state !== undefined) : nothing()
  const rejected =
    rejects && hasContent(rejects) ? await readBack(rejects, true, written.rejected) : nothing()
  if (output && hasContent(output)) truncateSync(output.path, written.end)
  if (rejects && hasContent(rejects)) truncateSync(rejects.path, rejected.end)
  return { output: written, rejects: rejected, state: { ...now, rejects: now.rejects ?? state?.rejects } }
}

/** Takes away what is there, for a run that starts anew. */
export function removeBefore({ output, rejects }: OutputFiles): void {
  for (const file of [output, rejects]) if (file && isFile(file.path)) rmSync(file.path)
  if (output) removeState(output.path)
}
