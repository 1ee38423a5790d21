import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { MARGIN, SEED, SIZES } from '../../eval/index.ts'
import { readRows } from '../../files/index.ts'
import type { Quality } from '../../simulator/index.ts'
import { readObject, type Given } from '../flags/config.ts'
import { inFlags, UsageError } from '../flags/usage-error.ts'
import type { Io } from '../io.ts'
import { checkPageFile } from '../page/page-file.ts'
import type { Item } from '../rows/item.ts'
import { asInputError, Items } from '../rows/items.ts'
import { real } from '../rows/real-path.ts'
import { isTable, readJob, type Job } from '../task/job.ts'
import { JOURNAL, SAMPLE, type EvalFlags } from './flags.ts'
import { goldBy, type Gold } from './gold.ts'
import { drawSample, type Sample } from './sample.ts'

/** An eval that could begin. */
export interface Prepared {
  readonly job: Job
  readonly sample: Sample
  readonly sizes: readonly number[]
  readonly margin: number
  readonly seed: number
  readonly journal: string
}

/** Checks the flags and draws the sample. Sends nothing. */
export async function prepare({ patterns, flags }: Given<EvalFlags>, io: Io): Promise<Prepared> {
  const { sizes = SIZES, margin = MARGIN, sample = SAMPLE, seed = SEED, output: journal = JOURNAL } = flags
  if (!Number.isInteger(sample) || sample < 1)
    throw new UsageError(`--sample: expected a whole number from 1, got ${sample}`)
  if (!Number.isSafeInteger(seed)) throw new UsageError(`--seed: expected a whole number, got ${seed}`)
  const job = await readJob(patterns, flags, io)
  checkFiles(job, journal, flags)
  const gold = flags.gold === undefined ? undefined : goldBy(flags.gold, job.result.schema)
  if (gold) checkSecret(gold, flags, job)
  const rows = inFlags(() => readRows(job.files, job.read))
  try {
    const items = new Items(rows, job.limit, textWithout(job, gold?.columns ?? []), new Set())
    await items.first((file) => isTable(job, file))
    return { job, sample: await drawSample(items, sample, seed, gold), sizes, margin, seed, journal }
  } catch (error) {
    throw asInputError(error)
  } finally {
    // An input that is still open would keep the process alive.
    rows.destroy()
  }
}

/** The answers of `--simulate`: right by `--gold`, as far as `--quality` says. */
export function qualityOf(
  { sample }: Prepared,
  { simulate, gold, quality: file }: EvalFlags,
): Quality | undefined {
  if (file !== undefined && !simulate) throw new UsageError('Expected --simulate with --quality')
  const quality = file === undefined ? {} : readObject(file, '--quality')
  const texts = sample.records.flatMap(({ item: { text }, gold: right }) =>
    typeof text === 'string' ? [[text, right] as const] : [],
  )
  if (gold === undefined && file === undefined) return undefined
  // The simulator checks the object.
  return { truth: new Map(texts), ...quality }
}

/** The text of a record, without its right result. */
function textWithout({ textOf }: Job, columns: readonly string[]): Job['textOf'] {
  if (columns.length === 0) return textOf
  return (own: Item['own']) =>
    textOf(Object.fromEntries(Object.entries(own).filter(([name]) => !columns.includes(name))))
}

/** Checks that no flag sends the right result to the model. */
function checkSecret({ columns }: Gold, { field, template = '' }: EvalFlags, { hoist }: Job): void {
  const inTemplate = Array.from(template.matchAll(/\{\{\s*(.*?)\s*\}\}/g), ([, name]) => name)
  for (const [flag, names] of Object.entries({ '--field': [field], '--template': inTemplate, '--hoist': hoist })) {
    const sent = columns.find((column) => names.includes(column))
    if (sent !== undefined)
      throw new UsageError(`--gold: ${sent} is in ${flag} too, so the model would see the right result`)
  }
} // prettier-ignore

function checkFiles({ files }: Job, journal: string, { report, output }: EvalFlags): void {
  const flag = output === undefined ? 'the journal (--output)' : '--output'
  const inputs = new Set(files.filter((file) => file !== '-').map(real))
  for (const [name, file] of Object.entries({ [flag]: journal, '--report': report })) {
    if (file !== undefined && inputs.has(real(file))) throw new UsageError(`${name}: ${file} is an input too`)
  }
  if (report !== undefined && real(report) === real(journal))
    throw new UsageError(`--report: ${report} is the journal too`)
  if (report !== undefined) checkPageFile(report, '--report')
  const folder = dirname(journal)
  if (!existsSync(folder)) throw new UsageError(`${flag}: ${journal}: there is no folder ${folder}`)
  if (existsSync(journal) && !statSync(journal).isFile())
    throw new UsageError(`${flag}: ${journal} is not a file`)
}
