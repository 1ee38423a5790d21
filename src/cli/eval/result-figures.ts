import type { ArmReport, EvalReport } from '../../eval/index.ts'
import type * as Charts from '../page/charts.ts'
import type { Html } from '../page/html.ts'
import { table, type Figure } from '../page/parts.ts'
import { dollars, percent, whole } from '../terminal/words.ts'
import { inPercent, inPoints, perSecond, pointRange, points, SCORES, verdictOf } from './words.ts'

const NUMBER = { kind: 'number' } as const
/** The charts of score, loss, cost and time. */
export function resultFigures(report: EvalReport, charts: typeof Charts): Figure[] {
  const { arms, scoredBy, margin } = report
  const score = SCORES[scoredBy]
  const alone = arms.find(({ kind }) => kind === 'alone')
  if (!alone || alone.records === 0) return []
  const sized = arms.filter(({ kind, records }) => (kind === 'alone' || kind === 'packed') && records > 0)
  const lost = arms.flatMap((arm) => (arm.loss && arm.loss.records > 0 ? [{ arm, loss: arm.loss }] : []))
  const least = 100 * (alone.score.mean - margin)
  return [
    {
      title: `${score} and pack size`,
      description: `Alone: ${percent(alone.score.mean)}. The dashed line is the margin of ${points(margin)} points below. The bars are 95% intervals.`,
      draw: () =>
        charts.pointChart(
          [sized.map(({ size, score: one }) => ({ x: size, ...inPercent(one) }))],
          {
            ...{ x: 'records in a request', y: '%', ticks: sized.map(({ size }) => size), isJoined: true },
            rule: { at: least, name: 'margin' },
          },
        ),
      numbers: scoresOf(`${score} by pack size`, sized),
    },
    ...(lost.length === 0
      ? []
      : [
          {
            title: 'Loss against packs of one',
            description:
              'In points: the same records, alone and in packs. A loss is excluded where its interval ends before the margin.',
            draw: () =>
              charts.intervalChart(
                lost.map(({ arm, loss }) => ({ label: arm.name, ...inPoints(loss) })),
                'points lost',
                { at: 100 * margin, name: 'margin' },
              ),
            numbers: table(
              'Loss against packs of one, in points',
              [
                { name: 'arm', cell: ({ arm }) => arm.name },
                { ...NUMBER, name: 'loss', cell: ({ loss }) => points(loss.mean) },
                { ...NUMBER, name: '95% interval', cell: ({ loss }) => pointRange(loss) },
                { name: 'verdict', cell: ({ arm }) => verdictOf(arm) },
              ],
              lost,
            ),
          },
        ]),
    ...frontier(`${score} and cost`, 'US dollars for 1,000 records', arms, ({ costPer1000 }) => costPer1000, dollars, charts),
    ...frontier(`${score} and time`, 'records a second', arms, ({ speed }) => speed.recordsPerSecond, perSecond, charts),
  ] // prettier-ignore
}

function scoresOf(caption: string, arms: readonly ArmReport[]): Html {
  return table(
    caption,
    [
      { name: 'arm', cell: ({ name }) => name },
      { ...NUMBER, name: '%', cell: ({ score }) => percent(score.mean) },
      {
        ...{ ...NUMBER, name: '95% interval' },
        cell: ({ score }) => `${percent(score.low)} to ${percent(score.high)}`,
      },
      { ...NUMBER, name: 'records', cell: ({ records }) => whole(records) },
    ],
    arms,
  )
}

/** Which arm is better at the same price? Each point has the size of its packs. */
function frontier(
  title: string,
  x: string,
  all: readonly ArmReport[],
  valueOf: (arm: ArmReport) => number | undefined,
  show: (value: number) => string,
  charts: typeof Charts,
): Figure[] {
  const isMain = ({ kind }: ArmReport) => kind === 'alone' || kind === 'packed'
  const arms = all.flatMap((arm) => {
    const value = valueOf(arm)
    const isShown = isMain(arm) || arm.kind === 'extra'
    return value === undefined || arm.records === 0 || !isShown ? [] : [{ arm, value }]
  })
  if (arms.length === 0) return []
  const series = [arms.filter(({ arm }) => isMain(arm)), arms.filter(({ arm }) => !isMain(arm))]
  const others = series[1]?.map(({ arm }) => arm.name) ?? []
  return [
    {
      title,
      description: `The number beside a point is the size of its packs.`,
      keys: others.length > 0 ? ['packs', 'other ways to spend'] : undefined,
      draw: () =>
        charts.pointChart(
          series.map((some) =>
            some.map(({ arm, value }) => ({ x: value, ...inPercent(arm.score), label: String(arm.size) })),
          ),
          { x, y: '%' },
        ),
      numbers: table(
        title,
        [
          { name: 'arm', cell: ({ arm }) => arm.name },
          { ...NUMBER, name: x, cell: ({ value }) => show(value) },
          { ...NUMBER, name: '%', cell: ({ arm }) => percent(arm.score.mean) },
        ],
        arms,
      ),
    },
  ]
}
