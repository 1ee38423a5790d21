import type { EvalReport } from '../../eval/index.ts'
import type * as Charts from '../page/charts.ts'
import { html } from '../page/html.ts'
import { table, type Figure } from '../page/parts.ts'
import { percent, whole } from '../terminal/words.ts'
import { largestPacks, pointRange } from './words.ts'

const NUMBER = { kind: 'number' } as const
/** Labels and pairs in a chart. */
const MOST_BARS = 12

/** The charts of the labels, for the largest packs. */
export function labelFigures({ arms }: EvalReport, charts: typeof Charts): Figure[] {
  const confused = largestPacks(arms.filter(({ confusions }) => confusions.length > 0))
  const shared = largestPacks(arms.filter(({ shares }) => shares.length > 0))
  const pairs = confused?.confusions.slice(0, MOST_BARS) ?? []
  const shares = shared?.shares.slice(0, MOST_BARS) ?? []
  return [
    ...(confused
      ? [
          {
            title: 'Confusions that packs add',
            description: `Records of the first label that are answered with the second, in ${confused.name}: how many more than alone.`,
            draw: () =>
              charts.barChart(
                pairs.map(({ gold, said, packed, alone }) => ({
                  ...{ label: `${gold} → ${said}`, value: packed - alone },
                  shown: `+${whole(packed - alone)}`,
                })),
                'records more than alone',
              ),
            numbers: table(
              `Confusions in ${confused.name}`,
              [
                { name: 'right → answered', cell: ({ gold, said }) => html`<bdi>${gold}</bdi> → <bdi>${said}</bdi>` },
                { ...NUMBER, name: 'in packs', cell: ({ packed }) => whole(packed) },
                { ...NUMBER, name: 'alone', cell: ({ alone }) => whole(alone) },
              ],
              pairs,
            ),
          },
        ]
      : []),
    ...(shared
      ? [
          {
            title: 'Share of the labels',
            description: `Share in ${shared.name} minus the share alone, with intervals that hold for all labels together. Alarms: ${shared.shares.filter(({ isAlarm }) => isAlarm).length}.`,
            draw: () =>
              charts.intervalChart(
                shares.map(({ label, packed, alone, difference: { low, high } }) => ({
                  ...{ label, mean: 100 * (packed - alone), low: 100 * low, high: 100 * high },
                })),
                'points more than alone',
              ),
            numbers: table(
              `Share of the labels in ${shared.name}`,
              [
                { name: 'label', cell: ({ label }) => html`<bdi>${label}</bdi>` },
                { ...NUMBER, name: 'in packs', cell: ({ packed }) => percent(packed) },
                { ...NUMBER, name: 'alone', cell: ({ alone }) => percent(alone) },
                { ...NUMBER, name: 'difference in points', cell: ({ difference }) => pointRange(difference) },
              ],
              shares,
            ),
          },
        ]
      : []),
  ] // prettier-ignore
}
