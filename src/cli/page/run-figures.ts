import type { RunRecord, Spread } from '../measure/run-record.ts'
import { duration, large, money, tenths, whole } from '../terminal/words.ts'
import type * as Charts from './charts.ts'
import type { Html } from './html.ts'
import { table, type Figure } from './parts.ts'

/** Stretches of time in a chart of rates. */
const STRETCHES = 48
/** Greatest time, in least times, from which a scale is logarithmic. */
const WIDE = 8

type Point = RunRecord['series'][number]

/** The charts of a run. A run that sent nothing has none. */
export function runFigures(run: RunRecord, charts: typeof Charts): Figure[] {
  const { series, latency } = run
  const last = series.at(-1)
  if (!last || run.requests.sent === 0) return []
  const time = timeAxis(last.t)
  return [
    throughput(series, last, time, charts),
    ...tokens(series, last, time, charts),
    ...cost(series, last, time, charts),
    packSizes(run.packs, charts),
    ...(
      [
        ['Time to the first token of a request', latency.firstToken],
        ['Time to the first result of a request', latency.firstResult],
        ['Time from sending a request to each result', latency.eachResult],
      ] as const
    ).flatMap(([title, spread]) => (spread ? [times(title, spread, charts)] : [])),
    ...pauses(series, last, time, charts),
  ]
}

interface TimeAxis {
  readonly label: string
  /** Milliseconds of a unit. */
  readonly unit: number
}

function timeAxis(ms: number): TimeAxis {
  if (ms < 180_000) return { label: 'seconds', unit: 1_000 }
  return ms < 10_800_000 ? { label: 'minutes', unit: 60_000 } : { label: 'hours', unit: 3_600_000 }
}

/** The stretches of a time, with the growth of some sums in each. */
function stretches(series: readonly Point[], last: Point, sums: readonly ((point: Point) => number)[]) {
  const n = Math.max(1, Math.min(STRETCHES, series.length - 1))
  const length = Math.max(last.t, 1) / n
  return Array.from({ length: n }, (_, i) => {
    const [from, to] = [i * length, (i + 1) * length]
    return { from, to, grown: sums.map((sum) => at(series, to, sum) - at(series, from, sum)) }
  })
}

/** The value of a sum at a time. Between two points it grows evenly. */
function at(series: readonly Point[], t: number, sum: (point: Point) => number): number {
  const next = series.findIndex((point) => point.t >= t)
  const [a, b] = [series[next - 1], next < 0 ? series.at(-1) : series[next]]
  if (!a || !b || b.t === a.t) return b ? sum(b) : 0
  return sum(a) + ((sum(b) - sum(a)) * Math.min(t - a.t, b.t - a.t)) / (b.t - a.t)
}

function throughput(series: readonly Point[], last: Point, time: TimeAxis, charts: typeof Charts): Figure {
  const parts = stretches(series, last, [({ fulfilled }) => fulfilled, ({ rejected }) => rejected])
  const rates = parts.map(({ from, to, grown }) => ({
    ...{ from: from / time.unit, to: to / time.unit },
    values: grown.map((records) => (records * 1_000) / (to - from)),
  }))
  const done = last.fulfilled + last.rejected
  const most = Math.max(...rates.map(({ values }) => (values[0] ?? 0) + (values[1] ?? 0)))
  const keys = last.rejected > 0 ? ['fulfilled', 'rejected'] : ['fulfilled']
  return {
    title: 'Records per second',
    description: `${whole(done)} records in ${duration(last.t)}: ${rate((done * 1_000) / Math.max(last.t, 1))} a second on average, at most ${rate(most)}.`,
    keys,
    draw: () =>
      charts.columnChart(
        rates.map((bin) => ({ ...bin, values: bin.values.slice(0, keys.length) })),
        { x: time.label, y: 'records/s' },
      ),
    numbers: table(
      'Records per second over time',
      [
        { name: time.label, cell: ({ from, to }) => `${tenths(from)} to ${tenths(to)}` },
        { name: 'fulfilled/s', kind: 'number', cell: ({ values }) => rate(values[0] ?? 0) },
        { name: 'rejected/s', kind: 'number', cell: ({ values }) => rate(values[1] ?? 0) },
      ],
      rates,
    ),
  }
}

function tokens(series: readonly Point[], last: Point, time: TimeAxis, charts: typeof Charts): Figure[] {
  if (last.input + last.output === 0) return []
  const sums = [
    { name: 'input', sum: ({ input }: Point) => input },
    { name: 'output', sum: ({ output }: Point) => output },
    { name: 'input from the cache', sum: ({ cached }: Point) => cached },
  ].filter(({ sum }) => sum(last) > 0)
  return [
    {
      title: 'Tokens',
      description: `${whole(last.input)} input tokens, ${whole(last.cached)} of them from the cache of the provider, and ${whole(last.output)} output tokens.`,
      keys: sums.map(({ name }) => name),
      draw: () => charts.lineChart(linesOf(series, time, sums), time.label, 'tokens in all'),
      numbers: overTime('Tokens over time', series, time, sums, whole),
    },
  ]
}

function cost(series: readonly Point[], last: Point, time: TimeAxis, charts: typeof Charts): Figure[] {
  if (last.cost === undefined) return []
  const sums = [{ name: 'US dollars', sum: ({ cost: dollars = 0 }: Point) => dollars }]
  const done = last.fulfilled + last.rejected
  const each = done > 0 ? `, ${money((last.cost / done) * 1_000)} for 1,000 records` : ''
  return [
    {
      title: 'Cost',
      description: `${money(last.cost)} in all${each}.`,
      draw: () => charts.lineChart(linesOf(series, time, sums), time.label, 'US dollars in all'),
      numbers: overTime('Cost over time', series, time, sums, money),
    },
  ]
}

function pauses(series: readonly Point[], last: Point, time: TimeAxis, charts: typeof Charts): Figure[] {
  if (last.waited === 0) return []
  const parts = stretches(series, last, [({ waited }) => waited]).map(({ from, to, grown: [ms = 0] }) => ({
    ...{ from: from / time.unit, to: to / time.unit },
    values: [Math.min(100, (ms * 100) / (to - from))],
  }))
  return [
    {
      title: 'Time in pauses',
      description: `The run sent nothing for ${duration(last.waited)} in all, because of a limit or of failures.`,
      draw: () => charts.columnChart(parts, { x: time.label, y: '% of the time' }),
      numbers: table(
        'Pauses over time',
        [
          { name: time.label, cell: ({ from, to }) => `${tenths(from)} to ${tenths(to)}` },
          { name: '% of the time', kind: 'number', cell: ({ values: [share = 0] }) => tenths(share) },
        ],
        parts,
      ),
    },
  ]
}

interface Sum {
  readonly name: string
  readonly sum: (point: Point) => number
}

function linesOf(series: readonly Point[], { unit }: TimeAxis, sums: readonly Sum[]): Charts.Line[] {
  return sums.map(({ name, sum }) => ({ name, points: series.map((point) => [point.t / unit, sum(point)]) }))
}

function overTime(
  caption: string,
  series: readonly Point[],
  { label, unit }: TimeAxis,
  sums: readonly Sum[],
  show: (value: number) => string,
): Html {
  return table(
    caption,
    [
      { name: label, cell: ({ t }) => (t / unit).toFixed(2) },
      ...sums.map(({ name, sum }) => ({
        name,
        kind: 'number' as const,
        cell: (point: Point) => show(sum(point)),
      })),
    ],
    series,
  )
}

function packSizes({ first, again }: RunRecord['packs'], charts: typeof Charts): Figure {
  const sizes = new Map(first.map(([size, packs]) => [size, [packs, 0]]))
  for (const [size, packs] of again) sizes.set(size, [sizes.get(size)?.[0] ?? 0, packs])
  const bins = Array.from(sizes, ([size, values]) => ({ from: size - 0.5, to: size + 0.5, values })).sort(
    (a, b) => a.from - b.from,
  )
  const keys = again.length > 0 ? ['new records', 'records asked again'] : ['new records']
  const [count, records] = first.reduce(([c, r], [size, packs]) => [c + packs, r + size * packs], [0, 0])
  return {
    title: 'Records in a request',
    description: `${whole(count)} ${count === 1 ? 'request' : 'requests'} carried new records, ${tenths(records / Math.max(count, 1))} each on average.`,
    keys,
    draw: () =>
      charts.columnChart(
        bins.map((bin) => ({ ...bin, values: bin.values.slice(0, keys.length) })),
        { x: 'records', y: 'requests', scale: 'whole', areCounts: true },
      ),
    numbers: table(
      'Requests by their number of records',
      [
        { name: 'records', cell: ({ from }) => whole(from + 0.5) },
        { name: 'with new records', kind: 'number', cell: ({ values }) => whole(values[0] ?? 0) },
        { name: 'asked again', kind: 'number', cell: ({ values }) => whole(values[1] ?? 0) },
      ],
      bins,
    ),
  }
}

function times(title: string, spread: Spread, charts: typeof Charts): Figure {
  const bins = spread.ranges.map(([from, to, count]) => ({
    from: from / 1_000,
    to: to / 1_000,
    values: [count],
  }))
  const { count, p50, p90, p99, most } = spread
  const isWide = (bins.at(-1)?.to ?? 0) > WIDE * (bins[0]?.from ?? 0)
  const [x, scale] = isWide
    ? (['seconds (the scale is logarithmic)', 'log'] as const)
    : ['seconds', undefined]
  return {
    title,
    description: `Half took ${duration(p50)} at most, 90% ${duration(p90)}, 99% ${duration(p99)}, the slowest ${duration(most)}. Measured ${count === 1 ? 'once' : `${large(count)} times`}.`,
    draw: () => charts.columnChart(bins, { x, y: 'number', scale, areCounts: true }),
    numbers: table(
      title,
      [
        { name: 'seconds', cell: ({ from, to }) => `${seconds(from)} to ${seconds(to)}` },
        { name: 'number', kind: 'number', cell: ({ values: [n = 0] }) => whole(n) },
      ],
      bins,
    ),
  }
}

const seconds = (value: number): string => (value < 100 ? value.toPrecision(3) : whole(value))

function rate(value: number): string {
  return value < 100 ? tenths(value) : whole(value)
}
