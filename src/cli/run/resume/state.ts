import { createHash } from 'node:crypto'
import { createReadStream, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { UsageError } from '../../flags/usage-error.ts'
import { real } from '../output-files.ts'

/**
 * The settings that decide the content of an output. A file beside the output keeps them, so that a
 * later run knows whether it may continue.
 */
export interface RunState {
  readonly version: 1
  /** By name, such as `--model`: the value, or its hash if it is long or private. */
  readonly settings: Readonly<Record<string, string>>
  readonly input: readonly InputFile[]
  /** Path of the rejects, from the folder of the output. */
  readonly rejects: string | undefined
}

export interface InputFile {
  readonly file: string
  readonly format: string | undefined
  /** SHA-256 of the content. `undefined`: a pipe, whose content is not known in advance. */
  readonly sha256: string | undefined
}

export const statePath = (output: string): string => `${real(output)}.run.json`

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
    const state = JSON.parse(text) as RunState
    if ((state.version as number) !== 1) throw new Error('it has another version')
    return state
  } catch (cause) {
    throw new UsageError(`${path} cannot be used: ${(cause as Error).message}. --overwrite replaces it`, {
      cause,
    })
  }
}

/** Writes the file as a whole. A crash leaves the old file. */
export function writeState(output: string, state: RunState): void {
  const path = statePath(output)
  writeFileSync(`${path}.new`, `${JSON.stringify(state, undefined, 2)}\n`, { flush: true })
  renameSync(`${path}.new`, path)
}

export function removeState(output: string): void {
  rmSync(statePath(output), { force: true })
}

/** The settings that changed since the first run, in words for a person. */
export function changesSince(before: RunState, now: RunState): string[] {
  const names = new Set([...Object.keys(before.settings), ...Object.keys(now.settings)])
  const changes = Array.from(names).filter((name) => before.settings[name] !== now.settings[name])
  if (before.input.length !== now.input.length) changes.push('the number of input files')
  for (const [i, { file, format, sha256 }] of now.input.entries()) {
    const old = before.input[i]
    if (old && old.sha256 !== sha256) changes.push(`the content of ${file}`)
    if (old && old.format !== format) changes.push(`the format of ${file}`)
  }
  const pipe = now.input.find(({ sha256 }) => sha256 === undefined)?.file
  if (pipe !== undefined) {
    changes.push(
      `perhaps the content of ${pipe === '-' ? 'standard input' : pipe}, which a run cannot compare`,
    )
  }
  return changes
}

export function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** Hashes the whole content: only that shows whether a file is the same. */
export async function hashFile(file: string): Promise<string | undefined> {
  // A pipe can be read only once.
  if (file === '-' || !statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined
  const sha = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), sha)
  return sha.digest('hex')
}
