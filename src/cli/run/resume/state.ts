import { createHash } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { UsageError } from '../../flags/usage-error.ts'
import { real } from '../output-files.ts'
import { naming } from '../../rows/naming.ts'

/** Stands beside an output, and tells a later run whether and how it may continue the output. */
export interface RunState {
  readonly version: 2
  /**
   * The settings that decide the content of results. By name, such as `--model`: the value, or its
   * hash if it is long or private. The input is no setting: records are known by what they are.
   */
  readonly settings: Readonly<Record<string, string>>
  /** The columns of `--key`, if records are known by them. */
  readonly key?: readonly string[] | undefined
  /** The columns of results, also of earlier tasks. All other columns are of the records. */
  readonly results: readonly string[]
  /** The columns of a table. */
  readonly columns?: readonly string[] | undefined
  /** Path of the rejects, from the folder of the output. */
  readonly rejects?: string | undefined
  /**
   * Whether the drafts of an output without its replaced rows, and of the replaced rows, are whole.
   * If the first no longer stands beside the output, it is the output now. Then the notes of
   * replacing rows are out of date, and the other draft takes its place too.
   */
  readonly isReplaced?: boolean | undefined
  /** Hashes of rejected records that a mended record with the same key has replaced. */
  readonly mended?: readonly string[] | undefined
  /** The accounts of runs, for a report. */
  readonly runs?: readonly unknown[] | undefined
}

export const statePath = (output: string): string => `${real(output)}.run.json`

/** `undefined`: there is no state. */
export function readState(output: string): RunState | undefined {
  const path = statePath(output)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return upgraded(JSON.parse(text))
  } catch (cause) {
    throw new UsageError(
      `${path} cannot be used: ${(cause as Error).message}. ` +
        'Delete it and continue the output with --force, or move both away with --overwrite',
      { cause },
    )
  }
}

function upgraded(json: unknown): RunState {
  const state = json as { version?: unknown; settings?: Record<string, string> }
  if (state.version === 2) return json as RunState
  if (state.version !== 1) throw new Error('it is not of this version')
  const { settings, rejects } = json as { settings: Record<string, string>; rejects?: string }
  // Version 1 counted the limit of a row as a setting, because it knew records by their position.
  const kept = Object.entries(settings).filter(([name]) => name !== '--max-record-bytes')
  return { version: 2, settings: Object.fromEntries(kept), results: [], rejects }
}

/** Writes the file as a whole. A crash leaves the old file. */
export function writeState(output: string, state: RunState): void {
  const path = statePath(output)
  naming(path, () => {
    writeFileSync(`${path}.new`, `${JSON.stringify(state, undefined, 2)}\n`, { flush: true })
    renameSync(`${path}.new`, path)
  })
}

/** The settings that changed since the first run, in words for a person. */
export function changesSince(before: RunState, now: RunState): string[] {
  const names = new Set([...Object.keys(before.settings), ...Object.keys(now.settings)])
  return Array.from(names).filter((name) => before.settings[name] !== now.settings[name])
}

export function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
