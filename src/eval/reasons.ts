import type { ArmReport, EvalReport, Findings } from './report.ts'
import { percent, points, range, whole } from './words.ts'

/** A share of rejected records that a user should know of. */
const NOTABLE_REJECTED = 0.005

/** Sentences on where a loss comes from. */
export function causes({ arms, influence, runs, margin }: Findings): string[] {
  return [...alarms(arms), ...rejections(arms), ...influenceOf(influence), ...runsOf(runs, margin)]
}

function alarms(arms: readonly ArmReport[]): string[] {
  return arms.flatMap(({ kind, size, shares }) => {
    const alarm = kind === 'packed' ? shares.find(({ isAlarm }) => isAlarm) : undefined
    if (!alarm) return []
    const { label, packed, alone } = alarm
    return [
      `Packs of ${size} say "${label}" too often: ${percent(packed)} of the records, ${percent(alone)} alone.`,
    ]
  })
}

function rejections(arms: readonly ArmReport[]): string[] {
  return arms.flatMap(({ kind, size, rejected, records }) =>
    kind === 'packed' && rejected > NOTABLE_REJECTED * records
      ? [`Packs of ${size} rejected ${whole(rejected)} of ${whole(records)} records. They count as wrong.`]
      : [],
  )
}

function influenceOf(influence: EvalReport['influence']): string[] {
  if (!influence) return []
  const { size, packed, noise, isShown } = influence
  return [
    `${isShown ? 'Neighbours and places change answers' : 'No influence of neighbours and places is shown'}: two orders of packs of ${size} ` +
      `differ in ${percent(packed.mean)} of the records, and packs of one in ${percent(noise.mean)} when asked twice.`,
  ]
}

function runsOf(runs: EvalReport['runs'], margin: number): string[] {
  if (!runs) return []
  const { difference, isShown } = runs
  const isLess = difference.mean < 0
  const by = `${points(Math.abs(difference.mean))} points ${isLess ? 'less' : 'more'}`
  const said = `records behind two records of one label lose ${by} (${isLess ? 'a difference of ' : ''}${range(difference)})`
  if (isShown) return [`Sorted input needs --mix: ${said}.`]
  if (difference.high < margin) return [`Short runs of one label do not matter: ${said}.`]
  return [`The sample does not show whether --mix matters: ${said}.`]
}

/** Sentences on what the findings do not say. */
export function limits({ arms, model, records, scoredBy, stopped }: Findings): string[] {
  const asked = arms.find(({ kind }) => kind === 'alone')?.records ?? 0
  const early = `after ${whole(asked)} of ${whole(records)} records`
  return [
    ...(scoredBy === 'agreement'
      ? ['Without gold, a changed answer counts as a loss, though it may be better than the answer alone.']
      : []),
    ...(stopped === 'max_cost' ? [`The spending cap ended the eval ${early}.`] : []),
    ...(stopped === 'aborted'
      ? [`The eval was ended ${early}, so its intervals hold at any time. They are wider.`]
      : []),
    'All losses lie in their intervals with 95%.',
    `This holds for ${model} on the server that was asked, and for records like the ${whole(asked)} of the sample.`,
  ]
}
