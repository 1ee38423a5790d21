import { rmSync, truncateSync } from 'node:fs'
import { UsageError } from '../../flags/usage-error.ts'
import { hasContent, isFile, type OutputFiles } from '../output-files.ts'
import { nothing, readBack, REFILLED, type ReadBack } from './read-back.ts'
import { changesSince, readState, removeState, statePath, type RunState } from './state.ts'

/** The files of earlier runs. */
export interface Before {
  readonly output: ReadBack
  readonly rejects: ReadBack
  /**
   * The state that this run must leave: its own, and the rejects of an earlier run even if it does
   * not name them.
   */
  readonly state: RunState
}

/**
 * Reads the output of earlier runs, checks that this run can continue it, and cuts off an
 * unfinished row.
 *
 * @throws {UsageError} If it cannot continue the output. The message says why, and what to do. No
 *   file has changed.
 */
export async function readBefore(
  { output, rejects }: OutputFiles,
  now: RunState,
  force: boolean,
): Promise<Before> {
  const state = output && readState(output.path)
  if (rejects && hasContent(rejects) && (!state || state.rejects !== now.rejects)) {
    throw new UsageError(`${rejects.path} exists already, and is not from this job. ${REFILLED}`)
  }
  if (output && hasContent(output)) {
    if (!state && !force) {
      throw new UsageError(
        `${output.path} exists already, and ${statePath(output.path)}, which describes it, does not. ` +
          '--overwrite replaces it, --force continues it if it is from a run',
      )
    }
    const changes = state ? changesSince(state, now) : []
    if (changes.length > 0 && !force) {
      throw new UsageError(
        `${output.path} is from a run with other settings: ${changes.join(', ')}. ` +
          '--force continues it all the same, --overwrite replaces it',
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

/** Removes the files of earlier runs. */
export function removeBefore({ output, rejects }: OutputFiles): void {
  for (const file of [output, rejects]) if (file && isFile(file.path)) rmSync(file.path)
  if (output) removeState(output.path)
}
