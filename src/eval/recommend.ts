import { rivalsOf } from './losses.ts'
import type { ArmReport, Findings, Loss, Recommendation } from './report.ts'
import { causes, limits } from './reasons.ts'
import { about, dollars, perSecond, points, range } from './words.ts'

type Rival = ArmReport & { readonly loss: Loss }

/**
 * Recommends the largest pack whose loss beyond the margin is excluded and that pays. A pack pays
 * if it costs less than packs of one and than each smaller pack that could be recommended. Without
 * prices, it has to be faster instead, with the same number of requests in flight.
 */
export function recommend(findings: Findings): Recommendation {
  const { arms } = findings
  const alone = arms.find(({ kind }) => kind === 'alone')
  const rivals = rivalsOf(arms).filter((arm): arm is Rival => 'loss' in arm && arm.loss !== undefined)
  const packed = rivals.filter(({ kind, loss }) => kind === 'packed' && loss.records > 0).toSorted(bySize)
  const isByCost = arms.every(({ kind, costPer1000 }) => kind === 'extra' || costPer1000 !== undefined)
  const priceOf = (arm: ArmReport): number =>
    (isByCost ? arm.costPer1000 : 1 / (arm.speed.recordsPerSecond ?? 0)) ?? Infinity
  if (!alone || packed.length === 0 || priceOf(alone) === Infinity) {
    const sentence = 'Cannot tell yet: the sample has no record that was asked alone and in a pack.'
    return { kind: 'unclear', size: 1, sentences: [sentence, ...limits(findings)] }
  }
  const paying = packed.filter((arm) => priceOf(arm) < priceOf(alone))
  const best = paying
    .filter(({ loss }) => loss.verdict === 'within')
    .reduce<Rival | undefined>((best, arm) => (best && priceOf(best) < priceOf(arm) ? best : arm), undefined)
  const open = paying.filter(
    (arm) => arm.loss.verdict === 'unclear' && (!best || priceOf(arm) <= priceOf(best)),
  )
  const chosen = best ?? alone
  const saying = { findings, isByCost, alone, priceOf }
  const others = packed.filter(
    (arm) => arm !== best && (arm.size > chosen.size || arm.loss.verdict !== 'within'),
  )
  return {
    kind: best ? 'pack' : open.length > 0 ? 'unclear' : 'alone',
    size: best?.size ?? 1,
    sentences: [
      best ? `Use packs of ${best.size}.` : open.length > 0 ? tooSmall(open) : 'Do not pack.',
      ...(best
        ? [`${lossOf(best, findings)}, and a loss of ${points(findings.margin)} points is excluded.`]
        : []),
      ...(best ? payOf(best, alone) : []),
      ...others.map((arm) => otherOf(arm, open.includes(arm), chosen, saying)),
      ...rivals.flatMap((arm) => (arm.kind === 'extra' ? extraOf(arm, chosen, saying) : [])),
      ...causes(findings),
      ...limits(findings),
    ],
  }
}

interface Saying {
  readonly findings: Findings
  readonly isByCost: boolean
  readonly alone: ArmReport
  /** Less is better. */
  readonly priceOf: (arm: ArmReport) => number
}

const bySize = (a: ArmReport, b: ArmReport): number => a.size - b.size

export const nameOf = ({ kind, size, name }: ArmReport): string =>
  kind === 'extra' ? `The arm "${name}"` : `Packs of ${size === 1 ? 'one' : size}`

function tooSmall(open: readonly Rival[]): string {
  const more = open.flatMap(({ loss }) => (loss.more === undefined || loss.more === 0 ? [] : [loss.more]))
  if (more.length === 0) return 'Cannot tell yet: the sample is too small.'
  return `Cannot tell yet: the sample is too small. Ask ${about(Math.min(...more))} more records.`
}

/** `Packs of 25 lose 0.3 points (-0.5 to 1.1)`. */
function lossOf(arm: Rival, { scoredBy }: Findings): string {
  const { mean } = arm.loss
  const isGain = mean < 0
  const end = arm.kind === 'extra' ? 's' : ''
  const by = `${points(Math.abs(mean))} points`
  const verb =
    scoredBy === 'agreement'
      ? `change${end} ${by} ${isGain ? 'fewer' : 'more'} answers than noise does`
      : `${isGain ? 'gain' : 'lose'}${end} ${by}`
  return `${nameOf(arm)} ${verb} (${isGain ? 'a loss of ' : ''}${range(arm.loss)})`
}

function payOf(arm: ArmReport, alone: ArmReport): string[] {
  const cost = [arm, alone].map(({ costPer1000 }) => costPer1000)
  const speed = [arm, alone].map(({ speed }) => speed.recordsPerSecond)
  return [
    ...(cost[0] !== undefined && cost[1] !== undefined
      ? [`1,000 records cost ${dollars(cost[0])} instead of ${dollars(cost[1])} alone.`]
      : []),
    ...(speed[0] !== undefined && speed[1] !== undefined
      ? [`${perSecond(speed[0])} records per second are answered instead of ${perSecond(speed[1])} alone.`]
      : []),
  ]
}

/** Why a pack is not recommended. */
function otherOf(arm: Rival, isOpen: boolean, chosen: ArmReport, saying: Saying): string {
  const { findings, isByCost } = saying
  const said = lossOf(arm, findings)
  const { verdict, more } = arm.loss
  if (verdict === 'beyond') return `${said}: more than the margin of ${points(findings.margin)} points.`
  const better = isByCost ? 'cheaper' : 'faster'
  const than = chosen.size === 1 ? 'packs of one' : `packs of ${chosen.size}`
  if (!isOpen) return `${said}, but they are not ${better} than ${than}.`
  const hope = more === undefined || more === 0 ? '' : ` Ask ${about(more)} more records to know.`
  return `${said}: the margin of ${points(findings.margin)} points lies in this interval.${hope}`
}

/** Another way to spend that could be better, at no more cost. */
function extraOf(arm: Rival, chosen: ArmReport, { findings, priceOf }: Saying): string[] {
  const lossOfChosen = chosen.loss ?? { mean: 0, low: 0, high: 0 }
  const isBetter = arm.loss.records > 0 && arm.loss.mean < lossOfChosen.mean
  if (!isBetter || arm.loss.verdict === 'beyond' || !(priceOf(arm) <= priceOf(chosen))) return []
  const isShown = arm.loss.high < lossOfChosen.low
  return [
    `${lossOf(arm, findings)}, at no more cost than packs of ${chosen.size === 1 ? 'one' : chosen.size}.`,
    isShown ? 'This difference is shown.' : 'The sample does not show that this difference is real.',
  ]
}
