import { agreement, labelOf } from './agreement.ts'
import { partAt } from './label.ts'
import type { EvalReport } from './report.ts'
import type { Arm, ArmKind, SampleRecord, Trial } from './trial.ts'

/** What decides the scores of trials. */
export interface Scoring {
  readonly arms: readonly Arm[]
  /** The records by their position in the sample. */
  readonly sample: readonly SampleRecord[]
  /** Where a value has its label: see `labelPath`. */
  readonly label: readonly string[] | undefined
  /** Returns from 0 to 1 how good a value is, given the position of its record in the sample. */
  readonly score?: ((value: unknown, gold: unknown, record: number) => number) | undefined
}

/** A record in an arm, beside the same record alone. */
export interface Compared {
  readonly trial: Trial
  /** Trials with the same cluster depend on each other. */
  readonly cluster: string
  /** From 0 to 1. `undefined`: the record has no gold, or was not asked alone yet. */
  readonly score: number | undefined
  /** The same of packs of one. */
  readonly reference: number | undefined
  /** Whether the value differs from the value of the arm `alone`. */
  readonly isFlip: boolean | undefined
  /** Labels, if values have a label. A rejected record has none. */
  readonly said: string | undefined
  readonly saidAlone: string | undefined
  /** The right label and the reference's label. Without gold: labels of `alone` and of `noise`. */
  readonly truth: string | undefined
  readonly saidByReference: string | undefined
}

/** A record with both scores. */
export interface Pair extends Compared {
  readonly score: number
  readonly reference: number
}

export function scoredBy({ sample, label, score }: Scoring): EvalReport['scoredBy'] {
  if (score) return 'score'
  if (sample.every(({ gold }) => gold === undefined)) return 'agreement'
  return label ? 'labels' : 'fields'
}

/**
 * Compares the trials of each arm with the same records alone, in the order of blocks and groups.
 * With gold, the reference is the score of the arm `alone`. Without gold, a score is the agreement
 * with the arm `alone`, and the reference is how far `alone` agrees with itself, in the arm
 * `noise`: without an effect of packing, the differences have a mean of 0.
 */
export function compare(scoring: Scoring, trials: readonly Trial[]): ReadonlyMap<string, Compared[]> {
  const { arms, sample, label, score } = scoring
  const by = scoredBy(scoring)
  const byArm = Map.groupBy(trials, ({ arm }) => arm)
  const ofKind = (kind: ArmKind): ReadonlyMap<number, Trial> => {
    const name = arms.find((arm) => arm.kind === kind)?.name
    return new Map((byArm.get(name ?? '') ?? []).map((trial) => [trial.record, trial]))
  }
  const [alone, noise] = [ofKind('alone'), ofKind('noise')]
  const partOf = (value: unknown): unknown => partAt(value, label ?? [])

  const withGold = (value: unknown, gold: unknown): number => {
    const isOneOfFields = !label && typeof value === 'object' && value !== null && typeof gold !== 'object'
    if (isOneOfFields) return Math.max(0, ...Object.values(value).map((field) => agreement(field, gold)))
    return by === 'labels' ? Number(labelOf(partOf(value)) === labelOf(partOf(gold))) : agreement(value, gold)
  }
  const scoreOf = (trial: Trial | undefined): number | undefined => {
    if (!trial) return undefined
    if (by === 'agreement') {
      const other = alone.get(trial.record)
      return other && agreementOf(trial, other, label)
    }
    const gold = sample[trial.record]?.gold
    if (by !== 'score' && gold === undefined) return undefined
    if (trial.status === 'rejected') return 0
    return score ? checked(score(trial.value, gold, trial.record)) : withGold(trial.value, gold)
  }
  const references = by === 'agreement' ? noise : alone
  const referenceScores = new Map([...references].map(([record, trial]) => [record, scoreOf(trial)]))
  const labelOfTrial = (trial: Trial | undefined): string | undefined =>
    label && trial?.status === 'fulfilled' ? labelOf(partOf(trial.value)) : undefined

  const comparedOf = (trial: Trial): Compared => {
    const other = alone.get(trial.record)
    const gold = sample[trial.record]?.gold
    const saidAlone = labelOfTrial(other)
    return {
      trial,
      cluster: `${trial.block}/${trial.group}`,
      score: scoreOf(trial),
      reference: referenceScores.get(trial.record),
      isFlip: other && isFlipOf(trial, other, label),
      said: labelOfTrial(trial),
      saidAlone,
      truth: gold === undefined || !label ? saidAlone : labelOf(partOf(gold)),
      saidByReference: labelOfTrial(references.get(trial.record)),
    }
  }
  return new Map(
    arms.map(({ name }) => [
      name,
      (byArm.get(name) ?? []).toSorted(inOrder).map((trial) => comparedOf(trial)),
    ]),
  )
}

/** Whether two trials of a record ended differently. */
export function isFlipOf(a: Trial, b: Trial, label: Scoring['label']): boolean {
  const isRejectedTwice = a.status === 'rejected' && b.status === 'rejected'
  return !isRejectedTwice && agreementOf(a, b, label) < 1
}

function agreementOf(trial: Trial, other: Trial, label: Scoring['label']): number {
  if (trial.status === 'rejected' || other.status === 'rejected') return 0
  return agreement(partAt(trial.value, label ?? []), partAt(other.value, label ?? []))
}

export function pairsOf(compared: readonly Compared[]): Pair[] {
  return compared.filter((one): one is Pair => one.score !== undefined && one.reference !== undefined)
}

const inOrder = (a: Trial, b: Trial): number => a.block - b.block || a.group - b.group || a.record - b.record

function checked(score: number): number {
  if (score >= 0 && score <= 1) return score
  throw new RangeError(`Expected \`score\` to return a number from 0 to 1, got ${score}`)
}
