import type { ArmReport, Estimate, EvalReport, Stretch } from '../../eval/index.ts'
import type * as Charts from '../page/charts.ts'
import { table, type Figure } from '../page/parts.ts'
import { percent, whole } from '../terminal/words.ts'
import { inPercent, inPoints, largestPacks, pointRange, points } from './words.ts'

const NUMBER = { kind: 'number' } as const

/** The charts that show where a loss comes from. */
export function originFigures({ arms, influence, runs }: EvalReport, charts: typeof Charts): Figure[] {
  return [
    ...stretchFigure('Place in the pack', '% of the pack', arms, ({ byPosition }) => byPosition.map(inShare), charts),
    ...stretchFigure('Records before it', 'records before it in the pack', arms, ({ byBefore }) => byBefore, charts),
    ...stretchFigure('Length of the record', 'tokens of the record', arms, ({ byLength }) => byLength, charts),
    ...(influence
      ? [
          intervalFigure(
            'Influence of neighbours',
            `Share of records with another answer, in packs of ${influence.size}: ${influence.isShown ? 'neighbours and places change answers' : 'no influence beyond the noise is shown'}.`,
            '% of records',
            [
              ['in other packs and places', influence.packed],
              ['the same request twice', influence.noise],
              ['beyond the noise', influence.beyond],
            ],
            charts,
          ),
        ]
      : []),
    ...(runs
      ? [
          intervalFigure(
            'Neighbours of one label',
            `Loss of records behind neighbours of one label, in packs of ${runs.size}: ${runs.isShown ? '--mix helps where such records come together' : 'a difference is not shown'}.`,
            'points lost',
            [
              ['behind one label', runs.inRuns],
              ['other records', runs.others],
              ['difference', runs.difference],
            ],
            charts,
          ),
        ]
      : []),
  ] // prettier-ignore
}

/** The place in hundredths of the pack. */
const inShare = (stretch: Stretch): Stretch => ({
  ...{ ...stretch, from: 100 * stretch.from, to: 100 * stretch.to },
})

/** The largest packs have the most places, so their chart shows the most. */
function stretchFigure(
  title: string,
  x: string,
  arms: readonly ArmReport[],
  of: (arm: ArmReport) => readonly Stretch[],
  charts: typeof Charts,
): Figure[] {
  const packed = arms.filter((arm) => arm.kind === 'packed' && of(arm).length > 1)
  const shown = largestPacks(packed)
  if (!shown) return []
  const middle = ({ from, to }: Stretch) => (from + to) / 2
  const rows = packed.flatMap((arm) => of(arm).map((stretch) => ({ arm, stretch })))
  return [
    {
      title,
      description: `Scores in ${shown.name}, and of the same records alone. The bars are 95% intervals.`,
      keys: [shown.name, 'the same records alone'],
      draw: () =>
        charts.pointChart(
          [
            of(shown).map((stretch) => ({ x: middle(stretch), ...inPercent(stretch) })),
            of(shown).map((stretch) => ({ x: middle(stretch), y: 100 * stretch.alone })),
          ],
          { x, y: '%', isJoined: true },
        ),
      numbers: table(
        `${title}, in packs of all sizes`,
        [
          { name: x, cell: ({ stretch: { from, to } }) => (from === to ? whole(from) : `${whole(from)} to ${whole(to)}`) },
          { name: 'arm', cell: ({ arm }) => arm.name },
          { ...NUMBER, name: 'records', cell: ({ stretch }) => whole(stretch.records) },
          { ...NUMBER, name: '%', cell: ({ stretch }) => percent(stretch.mean) },
          {
            ...{ ...NUMBER, name: '95% interval' },
            cell: ({ stretch }) => `${percent(stretch.low)} to ${percent(stretch.high)}`,
          },
          { ...NUMBER, name: '% alone', cell: ({ stretch }) => percent(stretch.alone) },
        ],
        rows,
      ),
    },
  ] // prettier-ignore
}

function intervalFigure(
  title: string,
  description: string,
  x: string,
  rows: readonly (readonly [string, Estimate])[],
  charts: typeof Charts,
): Figure {
  return {
    ...{ title, description },
    draw: () =>
      charts.intervalChart(
        rows.map(([label, estimate]) => ({ label, ...inPoints(estimate) })),
        x,
      ),
    numbers: table(
      title,
      [
        { name: 'records', cell: ([label]) => label },
        { ...NUMBER, name: x, cell: ([, { mean }]) => points(mean) },
        { ...NUMBER, name: '95% interval', cell: ([, estimate]) => pointRange(estimate) },
        { ...NUMBER, name: 'number', cell: ([, { records }]) => whole(records) },
      ],
      rows,
    ),
  }
}
