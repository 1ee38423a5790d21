import type { ArmReport, Estimate, EvalReport, Loss, Stretch } from '../../../src/eval/report.ts'
import type { ArmKind } from '../../../src/eval/trial.ts'

export const estimate = (mean: number, half: number, records = 3_000): Estimate => ({
  ...{ mean, low: mean - half, high: mean + half, records },
})

const loss = (mean: number, half: number, verdict: Loss['verdict']): Loss => ({
  ...{ ...estimate(mean, half), always: { low: mean - 1.5 * half, high: mean + 1.5 * half }, verdict },
  ...{ smallest: 0.012, more: verdict === 'unclear' ? 2_400 : 0, correlation: 0.08 },
  mcnemar: { onlyAlone: 84, onlyPacked: 61, p: 0.066 },
})

/** Scores that fall with the place. */
const stretches = (from: number[], perStep: number): Stretch[] =>
  from.map((start, i) => ({
    ...estimate(0.86 - perStep * i, 0.02 + 0.002 * i, 400),
    ...{ from: start, to: (from[i + 1] ?? 2 * start) - 1, alone: 0.86 },
  }))

function arm(
  name: string,
  kind: ArmKind,
  size: number,
  score: number,
  lost: Loss | undefined,
  perSecond: number,
  cost: number,
): ArmReport {
  const isPacked = size > 1
  return {
    ...{ name, kind, size, records: 3_000, rejected: kind === 'alone' ? 0 : 4 },
    ...{ groups: Math.ceil(3_000 / size), isStopped: false, score: estimate(score, 0.013), loss: lost },
    flips: kind === 'alone' ? undefined : estimate(0.03 + size / 500, 0.006),
    byPosition: isPacked
      ? stretches([0, 1, 2, 3, 4], 0.01).map((one, i) => ({ ...one, from: i / 5, to: (i + 1) / 5 }))
      : [],
    byBefore: isPacked
      ? stretches(
          [0, 2, 5, 10, 25].filter((at) => at < size),
          0.01,
        )
      : [],
    byLength: stretches([4, 12, 20, 32, 60], 0.004),
    confusions: isPacked
      ? [
          { gold: 'card arrival', said: 'card delivery estimate', packed: 31, alone: 12 },
          { gold: 'top up failed', said: 'top up reverted', packed: 14, alone: 9 },
        ]
      : [],
    shares: isPacked
      ? [
          { label: 'other', packed: 0.061, alone: 0.038, difference: { low: 0.009, high: 0.037 }, isAlarm: true },
          { label: 'card arrival', packed: 0.05, alone: 0.058, difference: { low: -0.02, high: 0.004 }, isAlarm: false },
        ]
      : [], // prettier-ignore
    speed: {
      recordsPerSecond: perSecond,
      firstResultMs: 420,
      p50Ms: 300 + 30 * size,
      p95Ms: 600 + 60 * size,
    },
    requests: Math.ceil(3_000 / size) + 3,
    tokens: { input: 30 + 700 / size, cached: 0, output: 9, reasoning: 0 },
    costPer1000: cost,
  }
}

/** A model for which packs of 25 are as good as packs of one. */
export const report: EvalReport = {
  ...{ model: 'a-model', scoredBy: 'labels', records: 3_000, seed: 1, margin: 0.02, stopped: undefined },
  arms: [
    arm('packs of 1', 'alone', 1, 0.862, undefined, 9.4, 0.114),
    arm('packs of 1 again', 'noise', 1, 0.861, undefined, 9.6, 0.114),
    arm('packs of 5', 'packed', 5, 0.861, loss(0.001, 0.011, 'within'), 31, 0.03),
    arm('packs of 10', 'packed', 10, 0.859, loss(0.003, 0.012, 'within'), 44, 0.02),
    arm('packs of 25', 'packed', 25, 0.856, loss(0.006, 0.013, 'within'), 58, 0.0136),
    arm('packs of 50', 'packed', 50, 0.818, loss(0.044, 0.017, 'beyond'), 61, 0.0115),
    arm('packs of 50 again', 'reshuffled', 50, 0.82, undefined, 60, 0.0115),
    { ...arm('packs of 50, 3 votes', 'extra', 50, 0.85, loss(0.012, 0.015, 'unclear'), 27, 0.0261), isStopped: true },
  ], // prettier-ignore
  influence: {
    ...{
      size: 50,
      packed: estimate(0.09, 0.01),
      noise: estimate(0.02, 0.005),
      beyond: estimate(0.07, 0.012),
    },
    isShown: true,
  },
  runs: {
    ...{ size: 50, inRuns: estimate(0.05, 0.03, 400), others: estimate(0.04, 0.02, 2_600) },
    ...{ difference: estimate(0.01, 0.035), isShown: false },
  },
  recommendation: {
    kind: 'pack',
    size: 25,
    sentences: [
      'Use packs of 25.',
      'They lose 0.6 points against packs of one (-0.7 to 1.9), which is below the margin of 2 points.',
      'They cost 88% less, and are 6 times as fast.',
      'This holds for a-model at this server.',
    ],
  },
  cost: 1.03,
}
