import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { formatOf, isDelimiter } from '../../files/index.ts'
import { given } from '../flags/given.ts'
import { UsageError } from '../flags/usage-error.ts'
import { journalOf } from '../rows/journal.ts'
import { styleOf, type OutputFormat, type RowFormat, type TableStyle } from '../rows/output-row.ts'
import { real } from '../rows/real-path.ts'
import type { RunFlags } from './flags.ts'

export { real }

/** A file of rows that a run reads back, repairs and extends. */
export interface RowFile {
  readonly path: string
  readonly format: RowFormat
  readonly style: TableStyle
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
export function outputFiles(input: readonly string[], flags: RunFlags): OutputFiles {
  const used = new Map(input.filter((file) => file !== '-').map((file) => [real(file), 'an input']))
  const open = (path: string | undefined, option: string, formats: readonly OutputFormat[]) => {
    if (path === undefined) return undefined
    const other = used.get(real(path))
    if (other !== undefined) throw new UsageError(`${option}: ${path} is ${other} too`)
    used.set(real(path), option)
    checkPlace(path, option)
    const stated = option === '--output' ? flags.outputFormat : undefined
    const format = stated ?? formatByName(path, option, formats)
    const canResume = isFile(path) || !existsSync(path)
    const style = option === '--output' ? flags : {}
    return { path, format, rows: rowsFor(path, format, canResume, style), canResume }
  }
  const output = open(flags.output, '--output', OUTPUT_FORMATS)
  checkStyle(output?.format ?? flags.outputFormat ?? 'jsonl', flags)
  return { output, rejects: open(flags.rejects, '--rejects', ROW_FORMATS) }
}

const ROW_FORMATS = ['jsonl', 'csv', 'tsv'] as const
const OUTPUT_FORMATS = [...ROW_FORMATS, 'json', 'parquet'] as const

function isRowFormat(format: OutputFormat): format is RowFormat {
  return (ROW_FORMATS as readonly OutputFormat[]).includes(format)
}

type Style = Pick<RunFlags, 'bom' | 'outputDelimiter' | 'escapeFormulas'>

function rowsFor(path: string, format: OutputFormat, canResume: boolean, flags: Style): RowFile {
  if (isRowFormat(format)) {
    const { bom, outputDelimiter: delimiter, escapeFormulas: escapesFormulas } = flags
    return { path, format, style: styleOf(format, given({ bom, delimiter, escapesFormulas })) }
  }
  if (!canResume) throw new UsageError(`--output: ${format} needs a file, which ${path} is not`)
  // A run cannot extend a file that has an end.
  return { path: journalOf(path), format: 'jsonl', style: styleOf('jsonl') }
}

/** Checks the options of a table. */
function checkStyle(format: OutputFormat, { bom, outputDelimiter, escapeFormulas }: Style): void {
  const refuse = (option: string, expected: string) => new UsageError(`${option}: expected ${expected}`)
  const isTable = format === 'csv' || format === 'tsv'
  if (bom && !isTable) throw refuse('--bom', `an output of CSV or TSV, got ${format}`)
  if (escapeFormulas && !isTable) throw refuse('--escape-formulas', `an output of CSV or TSV, got ${format}`)
  if (outputDelimiter === undefined) return
  if (format !== 'csv') throw refuse('--output-delimiter', `an output of CSV, got ${format}`)
  if (isDelimiter(outputDelimiter)) return
  const what = `one ASCII character, no space and no quote, got ${JSON.stringify(outputDelimiter)}`
  throw refuse('--output-delimiter', what)
}

/** Whether a run keeps its rows elsewhere, until it makes the file of them. */
export function hasJournal({ path, rows }: OutputFile): boolean {
  return rows.path !== path
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

function formatByName(path: string, option: string, formats: readonly OutputFormat[]): OutputFormat {
  if (existsSync(path) && !statSync(path).isFile()) return 'jsonl'
  const { format, compression } = formatOf(path)
  const found = formats.find((one) => one === format)
  if (compression === undefined && found) return found
  const endings = formats.map((one) => `.${one}`).join(', ')
  throw new UsageError(`${option}: expected a name that ends in one of ${endings}, got ${path}`)
}
