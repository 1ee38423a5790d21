import { existsSync, realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { formatOf } from '../../readers/index.ts'
import { UsageError } from '../usage-error.ts'

export type OutputFormat = 'jsonl' | 'csv' | 'tsv'

/** A file to write. */
export interface OutputFile {
  readonly path: string
  readonly format: OutputFormat
}

/** Checks where rows are to go: no file twice, and none that is read. */
export function outputFiles(
  input: readonly string[],
  output: string | undefined,
  rejects: string | undefined,
  format: OutputFormat | undefined,
): { output: OutputFile | undefined; rejects: OutputFile | undefined } {
  const used = new Map(input.filter((file) => file !== '-').map((file) => [real(file), 'an input']))
  const check = (path: string, option: string): void => {
    const other = used.get(real(path))
    if (other !== undefined) throw new UsageError(`${option}: ${path} is ${other} too`)
    used.set(real(path), option)
  }
  if (output !== undefined) check(output, '--output')
  if (rejects !== undefined) check(rejects, '--rejects')
  return {
    output:
      output === undefined ? undefined : { path: output, format: format ?? formatByName(output, '--output') },
    rejects:
      rejects === undefined ? undefined : { path: rejects, format: formatByName(rejects, '--rejects') },
  }
}

/** Whether it is there, and a file that can be read back and cut off. */
export function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile()
}

function formatByName(path: string, option: string): OutputFormat {
  if (existsSync(path) && !statSync(path).isFile()) return 'jsonl'
  const { format, compression } = formatOf(path)
  if (compression === undefined && (format === 'jsonl' || format === 'csv' || format === 'tsv')) return format
  throw new UsageError(`${option}: expected a name that ends in .jsonl, .csv or .tsv, got ${path}`)
}

function real(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path)
}
