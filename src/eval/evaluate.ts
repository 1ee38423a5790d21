import { createHash } from 'node:crypto'
import { withOption } from '../base/option-checks.ts'
import { RateLimiter } from '../index.ts'
import { defaults } from '../options/defaults.ts'
import { resolveOptions } from '../options/resolve-options.ts'
import { readUserSchema } from '../request/user-schema.ts'
import { analyse } from './analyse.ts'
import { askBlock } from './ask-block.ts'
import { armOrder, blocksOf, groupsOf, randomFor } from './blocks.ts'
import { Journal } from './journal.ts'
import { labelPath } from './label.ts'
import { EarlyStop } from './losses.ts'
import { resolveEval, type EvalOptions, type ResolvedEval } from './options.ts'
import { keyFor } from './questions.ts'
import type { EvalReport } from './report.ts'
import { costOf } from './spending.ts'
import type { SampleRecord } from './trial.ts'

/** Bytes in a token, by which records without a `countTokens` are compared by length. */
const BYTES_PER_TOKEN = 4

/**
 * Finds out what packing costs and saves on these records: asks all of them alone, alone once more,
 * and in packs of several sizes, and compares the answers.
 *
 * @returns The report, also if `signal` or `maxCost` ended the eval early.
 * @throws {TypeError | RangeError} For a bad option, before a request is sent.
 * @throws {JournalError} If `journal` is a file of another task, or no journal.
 * @throws {PackStreamError} If no request can succeed, for example because of a wrong key. The
 *   journal has the answers so far.
 */
export async function evaluate<R, T>(options: EvalOptions<R, T>): Promise<EvalReport> {
  const evaluation = resolveEval(options)
  const texts = textsOf(evaluation)
  const { stream } = evaluation
  const { schema, countTokens, maxInFlight = defaults.maxInFlight } = stream
  const sample = evaluation.records.map((record, at): SampleRecord => {
    const text = texts[at] ?? ''
    const tokens = countTokens?.(text) ?? Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN)
    return { tokens, gold: evaluation.gold?.(record) }
  })
  const { score, records } = evaluation
  const scoring = {
    ...{ arms: evaluation.arms, sample, label: labelPath(readUserSchema(schema).json) },
    score: score && ((value: unknown, gold: unknown, at: number) => score(value, gold, records[at] as R)),
  }
  // The largest packs of a block can run at the same time.
  const size = maxInFlight * Math.max(...evaluation.arms.map((arm) => arm.size))
  const journal = new Journal(evaluation.journal, identityOf(evaluation, size, texts))
  try {
    const early = new EarlyStop(scoring, evaluation.margin)
    const stopped = await askAll(evaluation, size, journal, early)
    const { margin, seed } = evaluation
    return analyse({
      ...{ ...scoring, margin, seed, model: stream.model, stopped },
      trials: journal.units.flatMap(({ trials }) => trials),
      spents: journal.units.map(({ spent }) => spent),
    })
  } finally {
    journal.close()
  }
}

/** Asks all records in all arms, without what the journal has. */
async function askAll<R, T>(
  { arms, stream, records, seed, maxCost, signal, onProgress }: ResolvedEval<R, T>,
  blockSize: number,
  journal: Journal,
  early: EarlyStop,
): Promise<EvalReport['stopped']> {
  const limiter = stream.limiter ?? new RateLimiter()
  const stopped = new Set<string>()
  const keys = new Map(arms.map((arm) => [arm, keyFor(arm.options)]))
  for (const [block, all] of blocksOf(records.length, blockSize, seed).entries()) {
    for (const arm of armOrder(arms, block, seed)) {
      if (stopped.has(arm.name)) continue
      const keyOf = (record: number): string => keys.get(arm)?.(records[record] as R) ?? ''
      const random = randomFor(seed, block, arms.indexOf(arm))
      const places = groupsOf(all, arm.size, keyOf, random)
      const units = journal.units.filter(({ spent }) => spent.arm === arm.name && spent.block === block)
      const asked = new Set(units.flatMap(({ trials }) => trials.map(({ record }) => record)))
      const rest = places.filter(({ record }) => !asked.has(record))
      if (rest.length === 0) continue
      if (signal?.aborted) return 'aborted'
      const left = maxCost === undefined ? undefined : maxCost - spentIn(journal)
      if (left !== undefined && left <= 0) return 'max_cost'
      const accepted = journal.units.some(({ trials }) => trials.some(({ status }) => status === 'fulfilled'))
      const unit = await askBlock(arm, rest, records, { block, limiter, maxCost: left, accepted, signal })
      journal.add({ trials: unit.trials, spent: unit.spent })
      onProgress?.({
        ...{ arm: arm.name, stopped: [...stopped], total: records.length * (arms.length - stopped.size) },
        done: journal.units.reduce((sum, { trials }) => sum + trials.length, 0),
        cost: costOf(journal.units.map((one) => one.spent)),
      })
      if (unit.end instanceof Error) throw unit.end
      if (unit.end) return unit.end
    }
    const trials = journal.units.filter(({ spent }) => spent.block === block).flatMap((unit) => unit.trials)
    for (const name of early.add(trials)) stopped.add(name)
  }
  return undefined
}

/** US dollars that all arms have spent. A cap needs the cost of all answers. */
function spentIn({ units }: Journal): number {
  const spent = costOf(units.map((unit) => unit.spent))
  if (spent !== undefined) return spent
  throw withOption(
    'maxCost',
    new TypeError('Expected no `maxCost`, or another `journal`: answers in this journal have no cost'),
  )
}

/** The text of each record, which is empty if the stream will reject the record. */
function textsOf<R, T>({ stream, records }: ResolvedEval<R, T>): string[] {
  const { serialize } = resolveOptions(stream)
  return records.map((record) => {
    try {
      return serialize(record)
    } catch {
      return ''
    }
  })
}

/** A hash of all that decides the answers. */
function identityOf<R, T>(evaluation: ResolvedEval<R, T>, blockSize: number, texts: string[]): string {
  const arms = evaluation.arms.map((arm) => {
    const { identity, maxPackTokens } = resolveOptions(arm.options)
    return [arm.name, arm.size, arm.isGrouped, identity, maxPackTokens]
  })
  const parts = [evaluation.seed, blockSize, arms, texts]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
