import { existsSync, truncateSync } from 'node:fs'
import { UsageError } from '../../flags/usage-error.ts'
import { Identifier, rowHash } from '../../rows/identity.ts'
import { hasContent, type OutputFiles, type RowFile } from '../output-files.ts'
import { moveAside } from '../../rows/move-aside.ts'
import { draftOf, replaceByDraft } from './draft.ts'
import { Earlier } from './earlier.ts'
import { repairEnd } from './file-ends.ts'
import { HashCounts } from './hash-counts.ts'
import { endNotes, readNotes } from './notes.ts'
import { EMPTY, readBack, type Expected, type FileEnd } from './read-back.ts'
import { readRejects } from './rejects.ts'
import { replacedPath, takeOutReplaced } from './replace.ts'
import { changesSince, statePath, writeState, type RunState } from './state.ts'

/** The files of earlier runs. */
export interface Before {
  readonly earlier: Earlier
  readonly output: FileEnd
  readonly rejects: FileEnd
  /** Rejected rows of the output that the rejects lack. */
  readonly missing: HashCounts
  /** The state that this run must leave. */
  readonly state: RunState
}

export interface Again {
  /** The state of earlier runs. */
  readonly last: RunState | undefined
  /** Whether to continue although settings have changed. */
  readonly force: boolean
  /** Whether to ask rejected records again. */
  readonly isRetry: boolean
  /** Whether rejected records have a row in the output. */
  readonly hasErrors: boolean
}

/**
 * Reads the output of earlier runs, checks that this run can continue it, and cuts off an
 * unfinished row.
 *
 * @throws {UsageError} If it cannot continue the output. The message says why, and what to do. No
 *   file has changed.
 */
export async function readBefore(targets: OutputFiles, now: RunState, again: Again): Promise<Before> {
  const { output, rejects } = targets
  const { isRetry, hasErrors, last } = again
  const isContinued = output !== undefined && hasContent(output.rows.path)
  const hasRejects = rejects !== undefined && hasContent(rejects.path)
  checkState(targets, now, again)
  const state: RunState = {
    ...now,
    key: now.key ?? last?.key,
    results: [...new Set([...now.results, ...(last?.results ?? [])])],
    rejects: now.rejects ?? last?.rejects,
    mended: last?.mended,
    runs: last?.runs,
  }
  const { results } = state
  const identifier = new Identifier(state.key, results)
  const earlier = new Earlier(identifier, isRetry, state.mended)
  const missing = new HashCounts()
  const newer = isContinued ? readNotes(output.path) : undefined
  const expected: Expected = { isOurs: last !== undefined, columns: last?.columns, results }
  const ofOutput = isContinued
    ? await readBack(output.rows, expected, (row) => {
        if (newer?.take(rowHash(row))) earlier.note(identifier.of(row.own, row.reason))
        else earlier.add(row)
        if (row.reason && rejects) missing.add(identifier.ofRejection(row.own, row.reason))
      })
    : EMPTY
  const isCopy = hasRejects && hasErrors
  const ofRejects = isCopy
    ? await readRejects(rejects.rows, { isOurs: true, columns: undefined, results: [] }, missing, earlier)
    : EMPTY

  // From here on files are changed.
  if (isContinued) prepare(output.rows, ofOutput)
  if (isCopy) prepare(rejects.rows, ofRejects)
  // No output has the rows of these rejects.
  if (hasRejects && !hasErrors) moveAside(rejects.path, `${rejects.path}.bak`)
  if (newer) {
    const done = await finishReplacing(targets, last ?? now, earlier)
    return readBefore(targets, now, { ...again, last: done })
  }
  if (output) endNotes(output.path)
  return { earlier, output: ofOutput, rejects: ofRejects, missing, state }
}

/**
 * Ends a replacing that a kill cut short when all drafts were whole. Returns the state after that.
 * If the output is still the old output, a person may have changed it since: the notes stay, and
 * the run makes the drafts again.
 */
export function endReplacing(
  output: OutputFiles['output'],
  state: RunState | undefined,
): RunState | undefined {
  if (!output || !state?.isReplaced) return state
  if (!existsSync(draftOf(output.rows.path))) {
    replaceByDraft(replacedPath(output.rows))
    endNotes(output.path)
  }
  const done = { ...state, isReplaced: undefined }
  writeState(output.path, done)
  return done
}

/** Takes out the rows that noted rows replaced. Returns the state after that. */
export async function finishReplacing(
  targets: OutputFiles,
  state: RunState,
  earlier: Earlier,
): Promise<RunState> {
  const { output } = targets
  const notes = output && readNotes(output.path)
  if (!notes) return state
  let mended = state.mended ?? []
  const taken = await takeOutReplaced(targets, notes, earlier, (more) => {
    mended = [...new Set([...mended, ...more])]
    writeState(output.path, { ...state, mended, isReplaced: true })
  })
  for (const rows of [earlier.rows, earlier.left]) {
    rows.fulfilled -= taken.fulfilled
    rows.rejected -= taken.rejected
  }
  endNotes(output.path)
  const done = { ...state, mended }
  writeState(output.path, done)
  return done
}

/** @throws {UsageError} If the files are of another job, or its settings have changed. */
function checkState({ output, rejects }: OutputFiles, now: RunState, { last, force }: Again): void {
  if (rejects && hasContent(rejects.path) && (!last || last.rejects !== now.rejects)) {
    throw new UsageError(
      `${rejects.path} exists already, and is not from this job. ` +
        'Choose another name, or delete the file: the run copies the rejected records of the output to it',
    )
  }
  if (!output || !hasContent(output.rows.path) || force) return
  if (!last) {
    throw new UsageError(
      `${output.path} exists already, and ${statePath(output.path)}, which describes it, does not. ` +
        `--overwrite moves it to ${output.path}.bak, --force continues it if it is from a run`,
    )
  }
  const changes = changesSince(last, now)
  if (changes.length > 0) {
    throw new UsageError(
      `${output.path} is from a run with other settings: ${changes.join(', ')}. ` +
        `--force continues it all the same, --overwrite moves it to ${output.path}.bak`,
    )
  }
}

/** Makes a file end with a whole row. */
function prepare(file: RowFile, { end, lineEnd, hasRows }: FileEnd): void {
  repairEnd(file, end, lineEnd)
  // This run knows better which columns there are.
  if (!hasRows && file.format !== 'jsonl') truncateSync(file.path)
}
