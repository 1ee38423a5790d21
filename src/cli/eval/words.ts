import { percent, tenths, whole } from '../terminal/words.ts'
import type { ArmReport, Estimate, EvalReport } from '../../eval/index.ts'
import type { Interval } from '../../statistics/index.ts'

/** What the score of a record is, at the beginning of a sentence. */
export const SCORES: Readonly<Record<EvalReport['scoredBy'], string>> = {
  labels: 'Accuracy',
  fields: 'Right fields',
  score: 'Score',
  agreement: 'Agreement with packs of one',
}

/** `1.3`: hundredths of a score. */
export function points(share: number): string {
  const text = (100 * share).toFixed(1)
  return text === '-0.0' ? '0.0' : text
}

/** `-0.7 to 1.9` */
export function pointRange({ low, high }: Interval): string {
  return `${points(low)} to ${points(high)}`
}

const VERDICTS = { within: 'within the margin', beyond: 'beyond the margin', unclear: 'cannot tell yet' }

/** What the interval of an arm says of the margin. */
export function verdictOf({ loss, isStopped }: ArmReport): string {
  if (!loss) return ''
  return `${VERDICTS[loss.verdict]}${isStopped ? ', stopped early' : ''}`
}

/** The mean, or nothing without records. */
export function meanOf({ mean, records }: Estimate): string {
  return records === 0 ? '' : percent(mean)
}

/** A figure, or nothing if it is not known. */
export function known(value: number | undefined, show: (value: number) => string): string {
  return value === undefined ? '' : show(value)
}

export const inPercent = ({ mean, low, high }: Estimate) => ({
  ...{ y: 100 * mean, low: 100 * low, high: 100 * high },
})

export const inPoints = ({ mean, low, high }: Estimate) => ({
  ...{ mean: 100 * mean, low: 100 * low, high: 100 * high },
})

/** The arm whose packs have the most places and neighbours. */
export function largestPacks(arms: readonly ArmReport[]): ArmReport | undefined {
  return arms
    .filter(({ kind }) => kind === 'packed')
    .reduce<ArmReport | undefined>((a, b) => (a && a.size > b.size ? a : b), undefined)
}

/** Records a second: `9.4`, `1,234` */
export function perSecond(value: number): string {
  return value < 100 ? tenths(value) : whole(value)
}
