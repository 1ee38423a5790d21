import { accessSync, constants, existsSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { formatOf } from '../../files/index.ts'
import { UsageError } from '../flags/usage-error.ts'
import type { OutputFormat } from '../rows/output-row.ts'

/** A format of rows one after the other, which a run can extend. */
export type RowFormat = 'jsonl' | 'csv' | 'tsv'

/** A file of rows that a run reads back, repairs and extends. */
export interface RowFile {
  readonly path: string
  readonly format: RowFormat
}

/** A file to write. */
export interface OutputFile {
  readonly path: string
  readonly format: OutputFormat
  /** Where a run keeps the rows while it writes. Everything about resuming knows this file only. */
  readonly rows: RowFile
  /** Whether a run can read it back and shorten it. A pipe or a device cannot. */
  readonly canResume: boolean
}

/** The files for the rows of all records, and once more for the rows of rejected records. */
export interface OutputFiles {
  /** `undefined`: standard output. */
  readonly output: OutputFile | undefined
  readonly rejects: OutputFile | undefined
}

/** Checks the output files: each is named once, and no input is among them. */
export function outputFiles(
  input: readonly string[],
  output: string | undefined,
  rejects: string | undefined,
  format: OutputFormat | undefined,
): OutputFiles {
  const used = new Map(input.filter((file) => file !== '-').map((file) => [real(file), 'an input']))
  const open = (path: string | undefined, option: string, stated?: OutputFormat): OutputFile | undefined => {
    if (path === undefined) return undefined
    const other = used.get(real(path))
    if (other !== undefined) throw new UsageError(`${option}: ${path} is ${other} too`)
    used.set(real(path), option)
    checkPlace(path, option)
    const canResume = isFile(path) || !existsSync(path)
    const format = stated ?? formatByName(path, option)
    return { path, format, rows: { path, format }, canResume }
  }
  return { output: open(output, '--output', format), rejects: open(rejects, '--rejects') }
}

/** Whether it exists, and is a file that a run can read back and shorten. */
export function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile()
}

/** Whether a file has content, from an earlier run or from another program. */
export function hasContent(path: string): boolean {
  return isFile(path) && statSync(path).size > 0
}

/** Checks the place before the run sends anything, instead of when the first result arrives. */
function checkPlace(path: string, option: string): void {
  const folder = dirname(path)
  if (!existsSync(folder)) throw new UsageError(`${option}: ${path}: there is no folder ${folder}`)
  if (existsSync(path) && statSync(path).isDirectory()) throw new UsageError(`${option}: ${path} is a folder`)
  try {
    accessSync(existsSync(path) ? path : folder, constants.W_OK)
  } catch (cause) {
    throw new UsageError(`${option}: ${path} cannot be written: ${(cause as Error).message}`, { cause })
  }
}

function formatByName(path: string, option: string): OutputFormat {
  if (existsSync(path) && !statSync(path).isFile()) return 'jsonl'
  const { format, compression } = formatOf(path)
  if (compression === undefined && (format === 'jsonl' || format === 'csv' || format === 'tsv')) return format
  throw new UsageError(`${option}: expected a name that ends in .jsonl, .csv or .tsv, got ${path}`)
}

/** The same name for each way to name a file. */
export function real(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') return resolve(path)
    // A pipe has no path. If the file does not exist yet, its folder or the target of its link
    // does.
    const target = linkOf(path)
    if (target !== undefined) return real(resolve(dirname(path), target))
    const folder = dirname(resolve(path))
    return folder === resolve(path) ? folder : join(real(folder), basename(path))
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
