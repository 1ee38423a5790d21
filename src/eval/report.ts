import type { Usage } from '../api/answer.ts'
import type { Interval } from '../statistics/index.ts'
import type { ArmKind } from './trial.ts'

/** A mean with its interval. */
export interface Estimate extends Interval {
  readonly mean: number
  /** Number of records behind the mean. */
  readonly records: number
}

/**
 * Scores of the records in one stretch of an axis, beside scores of the same records alone. The
 * intervals of all stretches of an axis hold together.
 */
export interface Stretch extends Estimate {
  /** Both ends belong to the stretch. */
  readonly from: number
  readonly to: number
  /** Mean score of the same records in the arm `alone`. */
  readonly alone: number
}

/** The state of an arm's loss against the arm `alone`. */
export type Verdict =
  /** The loss is below the margin. */
  | 'within'
  /** The loss is above the margin. */
  | 'beyond'
  | 'unclear'

/** A score minus another score of the same records, in the unit of scores: 0.02 is 2 points. */
export interface Loss extends Estimate {
  /**
   * The interval that held at all times together. It is also the interval of the loss if the arm
   * was stopped early, or if the user ended the sample.
   */
  readonly always: Interval
  readonly verdict: Verdict
  /** The smallest true loss that 80% of such samples show to be above 0. 1: no loss is. */
  readonly smallest: number
  /**
   * About how many more records end the doubt about the verdict, if they are like those so far. 0
   * without doubt. `undefined`: no number is known.
   */
  readonly more: number | undefined
  /** Correlation of the differences within a pack, from 0 to 1. */
  readonly correlation: number
  /** Records that only one of both arms answered rightly, and McNemar's exact p. Labels only. */
  readonly mcnemar:
    { readonly onlyAlone: number; readonly onlyPacked: number; readonly p: number } | undefined
}

export interface ArmReport {
  readonly name: string
  readonly kind: ArmKind
  readonly size: number
  readonly records: number
  readonly rejected: number
  readonly groups: number
  /** Whether the arm was stopped before the end of the sample, because it cannot win. */
  readonly isStopped: boolean
  /** Share of right answers, mean score, or agreement with the arm `alone`. */
  readonly score: Estimate
  /** Of `packed` and `extra` arms. Without gold: the disagreement beyond noise. */
  readonly loss: Loss | undefined
  /** Share of values that differ from the arm `alone`. `undefined` for the arm `alone`. */
  readonly flips: Estimate | undefined
  /** By the place in the pack: 0 is its begin, 1 its end. */
  readonly byPosition: readonly Stretch[]
  /** By the number of records before it in the pack. */
  readonly byBefore: readonly Stretch[]
  /** By the number of tokens. */
  readonly byLength: readonly Stretch[]
  /**
   * Pairs of labels that this arm confuses more often than the arm `alone`, most first. Without
   * gold, `gold` is the label in the arm `alone`, and `alone` counts the arm `noise`.
   */
  readonly confusions: readonly {
    readonly gold: string
    readonly said: string
    readonly packed: number
    readonly alone: number
  }[]
  /** Share of each label, the label that packing adds most first. */
  readonly shares: readonly {
    readonly label: string
    readonly packed: number
    readonly alone: number
    /** `packed` minus `alone`. The intervals of all labels and arms hold together. */
    readonly difference: Interval
    /** Whether packing adds to the label, as it does to a label for doubtful records. */
    readonly isAlarm: boolean
  }[]
  readonly speed: {
    readonly recordsPerSecond: number | undefined
    /** Median time from the start of a request to its first result. */
    readonly firstResultMs: number | undefined
    /** From the start of the request to a record's result. */
    readonly p50Ms: number | undefined
    readonly p95Ms: number | undefined
  }
  readonly requests: number
  /** Tokens of a record. */
  readonly tokens: Usage
  /** US dollars for 1,000 records. `undefined` without prices. */
  readonly costPer1000: number | undefined
}

/** The same records in two shuffles of the same packs, against the same records alone twice. */
export interface Influence {
  readonly size: number
  /** Share of values that differ between both shuffles. */
  readonly packed: Estimate
  /** Share of values that differ between both arms of packs of one. */
  readonly noise: Estimate
  /** `packed` minus `noise`. */
  readonly beyond: Estimate
  readonly isShown: boolean
}

/** Records behind two records of one label in the pack, against the other records. */
export interface Runs {
  readonly size: number
  /** Losses, as in `Loss`. */
  readonly inRuns: Estimate
  readonly others: Estimate
  /** Loss of the records in runs minus the loss of the others. */
  readonly difference: Estimate
  readonly isShown: boolean
}

export interface Recommendation {
  /** `pack`: use packs of `size`. `alone`: do not pack. `unclear`: the sample is too small. */
  readonly kind: 'pack' | 'alone' | 'unclear'
  readonly size: number
  /** Sentences with their numbers, the answer first. */
  readonly sentences: readonly string[]
}

export interface EvalReport {
  readonly model: string
  /** What a score is: a share of right labels, a mean of `score`, or agreement without gold. */
  readonly scoredBy: 'labels' | 'fields' | 'score' | 'agreement'
  readonly records: number
  readonly seed: number
  readonly margin: number
  /** Why the sample was not asked to its end. `undefined`: it was. */
  readonly stopped: 'max_cost' | 'aborted' | undefined
  readonly arms: readonly ArmReport[]
  readonly influence: Influence | undefined
  readonly runs: Runs | undefined
  readonly recommendation: Recommendation
  /** US dollars of all arms. `undefined` without prices. */
  readonly cost: number | undefined
}

/** The report without its conclusion. */
export type Findings = Omit<EvalReport, 'recommendation'>
