import { whole } from '../terminal/words.ts'
import type * as Charts from './charts.ts'
import { html, type Html } from './html.ts'
import { table, valueOf, type Figure } from './parts.ts'
import type { Tally } from './tally.ts'

/** Values of a column that a chart shows. */
const BARS = 20
/** Values of a column that its table shows. */
const TABLE_ROWS = 200
/** Mean length from which a text is prose, in characters. */
const PROSE_LENGTH = 40
/** Columns of a chart of numbers. */
const RANGES = 20

/** The chart of a column of results. */
export function resultFigure(name: string, tally: Tally, charts: typeof Charts): Figure {
  const { counts, numbers } = tally
  if (numbers && tally.different > BARS) return numberFigure(name, tally, numbers, charts)
  const shown = counts.slice(0, BARS)
  const rest = tally.total - shown.reduce((sum, [, count]) => sum + count, 0)
  const bars = shown.map(([value, count]) => ({ label: value === '' ? '(empty)' : value, value: count }))
  // A bar for all of them would make the others short.
  const others =
    rest > 0
      ? ` The chart has the ${BARS} commonest; all others are ${whole(rest)} (${share(rest, tally)}).`
      : ''
  return {
    title: name,
    description: `${sizeOf(tally)}. The commonest is “${bars[0]?.label ?? ''}” with ${share(bars[0]?.value ?? 0, tally)}.${others}`,
    draw: () =>
      charts.barChart(
        bars.map((bar) => ({ ...bar, shown: `${whole(bar.value)} (${share(bar.value, tally)})` })),
        'rows',
      ),
    numbers: shares(name, tally),
  }
}

/** Whether its values are texts that hardly repeat, such as a summary or a translation. */
export function isProse({ total, different, uncounted, characters, numbers }: Tally): boolean {
  const isRepeated = (different + uncounted) * 2 <= total
  return !numbers && !isRepeated && (different > BARS || characters > PROSE_LENGTH * total)
}

/** `1,200 values, 77 different` */
export function sizeOf({ total, different, uncounted }: Tally): string {
  const values = `${whole(total)} ${total === 1 ? 'value' : 'values'}`
  return `${values}, ${uncounted > 0 ? 'more than ' : ''}${whole(different)} different`
}

function shares(name: string, tally: Tally): Html {
  const { counts, uncounted } = tally
  const numbers = table(
    `Values of ${name}`,
    [
      { name: 'value', cell: ([value]) => valueOf(value) },
      { name: 'rows', kind: 'number', cell: ([, count]) => whole(count) },
      { name: 'share', kind: 'number', cell: ([, count]) => share(count, tally) },
    ],
    counts.slice(0, TABLE_ROWS),
  )
  const left = counts.length - TABLE_ROWS
  const notes = [
    ...(left > 0 ? [`${whole(left)} rarer values are not shown.`] : []),
    ...(uncounted > 0
      ? [
          `The first ${whole(counts.length)} different values were counted. ${whole(uncounted)} rows have another value.`,
        ]
      : []),
  ]
  return html`${numbers}${notes.map((note) => html`<p>${note}</p>`)}`
}

function numberFigure(name: string, tally: Tally, numbers: readonly number[], charts: typeof Charts): Figure {
  const sorted = numbers.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0
  const [least, most] = [at(0), at(1)]
  const width = (most - least) / RANGES
  const bins = Array.from({ length: RANGES }, (_, i) => ({
    ...{ from: least + i * width, to: least + (i + 1) * width },
    values: [
      sorted.filter((value) => Math.min(RANGES - 1, Math.floor((value - least) / width)) === i).length,
    ],
  }))
  const sampled = numbers.length < tally.total ? `, ${whole(numbers.length)} of them drawn at random` : ''
  return {
    title: name,
    description: `${whole(tally.total)} values${sampled}: from ${figures(least)} to ${figures(most)}, the middle is ${figures(at(0.5))}.`,
    draw: () => charts.columnChart(bins, { x: 'value', y: 'rows', areCounts: true }),
    numbers: table(
      `Values of ${name}`,
      [
        { name: 'value', cell: ({ from, to }) => `${figures(from)} to ${figures(to)}` },
        { name: 'rows', kind: 'number', cell: ({ values: [n = 0] }) => whole(n) },
      ],
      bins,
    ),
  }
}

function share(count: number, { total }: Tally): string {
  const percent = (100 * count) / total
  return `${percent < 10 && percent > 0 ? percent.toFixed(1) : Math.round(percent)}%`
}

const figures = (value: number): string => value.toLocaleString('en-US', { maximumSignificantDigits: 4 })
