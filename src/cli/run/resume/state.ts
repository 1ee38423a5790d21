import { createHash } from 'node:crypto'
import { createReadStream, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { UsageError } from '../../flags/usage-error.ts'
import { real } from '../output-files.ts'

/** What decides what is in an output: kept beside it, so that a later run can tell whether it may go on. */
export interface RunState {
  readonly version: 1
  /** By name, as `--model`: what it is, or a hash of it where it is long or nobody else's business. */
  readonly settings: Readonly<Record<string, string>>
  readonly input: readonly InputFile[]
  /** Where rejected records go too, seen from the output's folder. */
  readonly rejects: string | undefined
}

export interface InputFile {
  readonly file: string
  readonly format: string | undefined
  /** SHA-256 of what is in it; of a pipe nobody can know before. */
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
    if ((state.version as number) !== 1) throw new Error('it is of another version')
    return state
  } catch (cause) {
    throw new UsageError(`${path} cannot be used: ${(cause as Error).message}. --overwrite starts anew`, {
      cause,
    })
  }
}

/** Whole or not at all: a crash leaves the old one. */
export function writeState(output: string, state: RunState): void {
  const path = statePath(output)
  writeFileSync(`${path}.new`, `${JSON.stringify(state, undefined, 2)}\n`, { flush: true })
  renameSync(`${path}.new`, path)
}

export function removeState(output: string): void {
  rmSync(statePath(output), { force: true })
}

/** What has changed since a run was begun, each as a person would say it. */
export function changesSince(before: RunState, now: RunState): string[] {
  const names = new Set([...Object.keys(before.settings), ...Object.keys(now.settings)])
  const changes = Array.from(names).filter((name) => before.settings[name] !== now.settings[name])
  if (before.input.length !== now.input.length) changes.push('the number of input files')
  for (const [i, { file, format, sha256 }] of now.input.entries()) {
    const old = before.input[i]
    if (old && old.sha256 !== sha256) changes.push(`what is in ${file}`)
    if (old && old.format !== format) changes.push(`the format of ${file}`)
  }
  const pipe = now.input.find(({ sha256 }) => sha256 === undefined)?.file
  if (pipe !== undefined) {
    changes.push(`perhaps what ${pipe === '-' ? 'standard input' : pipe} holds, which nobody can tell`)
  }
  return changes
}

export function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** Reads a file once: whether it is the same can be told by nothing less. */
export async function hashFile(file: string): Promise<string | undefined> {
  // A pipe can be read only once.
  if (file === '-' || !statSync(file).isFile()) return undefined
  const sha = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), sha)
  return sha.digest('hex')
}
