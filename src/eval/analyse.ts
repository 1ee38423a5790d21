import { compare, pairsOf, scoredBy, type Compared, type Scoring } from './compare.ts'
import { clustersOf, estimateOf } from './estimate.ts'
import { confusionsOf, sharesOf } from './labels.ts'
import { clusterOf, isBeyond, lossOf, rivalsOf } from './losses.ts'
import { influenceOf, runsOf } from './neighbours.ts'
import { recommend } from './recommend.ts'
import type { ArmReport, EvalReport } from './report.ts'
import { costOf, spendingOf } from './spending.ts'
import { byBefore, byLength, byPosition } from './stretches.ts'
import type { Arm, Spent, Trial } from './trial.ts'

const ALPHA = 0.05
const SHARE = { alpha: ALPHA, lowest: 0, highest: 1 }

export interface Evaluation extends Scoring {
  readonly trials: readonly Trial[]
  readonly spents: readonly Spent[]
  /** The greatest loss that a user accepts, such as 0.02 for 2 points. */
  readonly margin: number
  readonly seed: number
  readonly model: string
  readonly stopped: EvalReport['stopped']
}

/** Says what packing costs and saves, from the trials of all arms. */
export function analyse(evaluation: Evaluation): EvalReport {
  const { arms, trials, spents, sample, margin, seed, model, stopped, label } = evaluation
  const compared = compare(evaluation, trials)
  const ofArm = (arm: Arm | undefined): readonly Compared[] => compared.get(arm?.name ?? '') ?? []
  const ofKind = (kind: Arm['kind']): readonly Compared[] => ofArm(arms.find((arm) => arm.kind === kind))
  const reports = arms.map((arm) => armReport(arm, ofArm(arm), evaluation, ofKind('alone').length))

  const [largest] = arms.filter(({ kind }) => kind === 'packed').toSorted((a, b) => b.size - a.size)
  const size = largest?.size ?? 1
  const influence = influenceOf(ofArm(largest), ofKind('reshuffled'), ofKind('noise'), label)
  const runs = label && runsOf(ofArm(largest))
  const findings = {
    model,
    scoredBy: scoredBy(evaluation),
    records: sample.length,
    seed,
    margin,
    stopped,
    arms: reports,
    influence: influence && { size, ...influence },
    runs: runs && { size, ...runs },
    cost: costOf(spents),
  }
  return { ...findings, recommendation: recommend(findings) }
}

function armReport(
  arm: Arm,
  compared: readonly Compared[],
  evaluation: Evaluation,
  recordsAlone: number,
): ArmReport {
  const { arms, spents, sample, label, score, margin } = evaluation
  const trials = compared.map(({ trial }) => trial)
  const pairs = pairsOf(compared)
  const rivals = rivalsOf(arms)
  const isRival = rivals.includes(arm)
  const scored = compared.filter((one) => one.score !== undefined)
  const flips = compared.filter((one) => one.isFlip !== undefined)
  const isShort = compared.length < recordsAlone
  const isAborted = evaluation.stopped === 'aborted'
  const isLabel = label !== undefined && !score
  const loss = isRival
    ? lossOf(compared, { margin, arms: rivals.length, isShort, isAborted, isLabel })
    : undefined
  return {
    name: arm.name,
    kind: arm.kind,
    size: arm.size,
    records: trials.length,
    rejected: trials.filter(({ status }) => status === 'rejected').length,
    groups: new Set(compared.map(clusterOf)).size,
    isStopped: loss !== undefined && isShort && isBeyond(loss.always, margin),
    score: estimateOf(
      clustersOf(scored, clusterOf, (one) => one.score ?? 0),
      SHARE,
    ),
    loss,
    flips:
      arm.kind === 'alone'
        ? undefined
        : estimateOf(
            clustersOf(flips, clusterOf, ({ isFlip }) => Number(isFlip)),
            SHARE,
          ),
    byPosition: arm.size > 1 ? byPosition(pairs, arm.size) : [],
    byBefore: arm.size > 1 ? byBefore(pairs, arm.size) : [],
    byLength: byLength(pairs, sample),
    confusions: isLabel && isRival ? confusionsOf(compared) : [],
    shares: label && isRival ? sharesOf(compared, rivals.length) : [],
    ...spendingOf(
      spents.filter((spent) => spent.arm === arm.name),
      trials,
    ),
  }
}
