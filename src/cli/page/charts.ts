/*
 * The charts, as SVG. Only this file knows Observable Plot and the document that it draws in: the
 * build bundles it, so that users install neither.
 */
import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import { clip, isolated, lettersOf } from './chart-labels.ts'

/** Columns of a chart on a narrow screen. A wide screen enlarges it. */
const WIDTH = 420
const FONT_SIZE = 11.5
/** Width of a letter, as a part of the font size. */
const LETTER = 0.56
const BAR_HEIGHT = 22

/** The colours of the page's style. They differ in both themes, and for colour-blind people. */
const COLOURS = ['var(--blue)', 'var(--orange)', 'var(--green)'] as const
const DASHES = ['', '6 3', '2 3']

export interface Line {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

/** Lines over time. */
export function lineChart(lines: readonly Line[], x: string, y: string): string {
  const marks = lines.map(({ points }, i) =>
    Plot.lineY(points, {
      ...{ x: '0', y: '1', stroke: COLOURS[i] ?? 'currentColor', strokeWidth: 2 },
      ...(DASHES[i] ? { strokeDasharray: DASHES[i] } : {}),
    }),
  )
  const ys = { label: y, grid: true, tickFormat: short, nice: true }
  return draw({ x: { label: x }, y: ys, marks: [Plot.ruleY([0]), ...marks] })
}

/** A stretch of an axis, with a number for each series. */
export interface Bin {
  readonly from: number
  readonly to: number
  readonly values: readonly number[]
}

export interface ColumnAxes {
  readonly x: string
  readonly y: string
  readonly scale?: 'log' | 'whole' | undefined
  /** Whether the columns are whole numbers. */
  readonly areCounts?: boolean
}

/** Columns over an axis, with the series of each column on top of each other. */
export function columnChart(bins: readonly Bin[], { x, y, scale, areCounts = false }: ColumnAxes): string {
  const series = bins[0]?.values.map((_, i) => i) ?? []
  const marks = series.map((i) =>
    Plot.rectY(bins, {
      ...{ x1: 'from', x2: 'to', inset: 0.5, fill: COLOURS[i] ?? 'currentColor' },
      y1: ({ values }: Bin) => sum(values.slice(0, i)),
      y2: ({ values }: Bin) => sum(values.slice(0, i + 1)),
    }),
  )
  const axis = scale === 'log' ? LOGARITHMIC : scale === 'whole' ? WHOLE : {}
  return draw({
    x: { label: x, ...axis },
    y: { label: y, grid: true, tickFormat: areCounts ? wholeOnly : short, nice: true, zero: true },
    marks: [...marks, Plot.ruleY([0])],
  })
}

const LOGARITHMIC: Plot.ScaleOptions = { type: 'log', ticks: 4, tickFormat: short }
const WHOLE: Plot.ScaleOptions = {
  zero: true,
  tickFormat: wholeOnly,
}

export interface Bar {
  readonly label: string
  readonly value: number
  /** The value in words, behind the bar. */
  readonly shown: string
}

/** A bar for each value, with its name before it. */
export function barChart(bars: readonly Bar[], x: string): string {
  const named = bars.map((bar, i) => ({ ...bar, at: String(i), label: clip(bar.label) }))
  const most = Math.max(...bars.map(({ shown }) => lettersOf(shown)))
  return draw({
    ...bandOf(named),
    height: 34 + bars.length * BAR_HEIGHT,
    marginTop: 6,
    marginRight: Math.ceil(most * FONT_SIZE * LETTER) + 8,
    x: { label: x, ticks: 4, tickFormat: short, grid: true },
    marks: [
      Plot.barX(named, { x: 'value', y: 'at', fill: COLOURS[0], insetTop: 2, insetBottom: 2 }),
      Plot.text(named, { x: 'value', y: 'at', text: 'shown', textAnchor: 'start', dx: 4 }),
      Plot.ruleX([0]),
    ],
  })
}

/** A value at a place of an axis, with its interval if it has one. */
export interface Point {
  readonly x: number
  readonly y: number
  readonly low?: number
  readonly high?: number
  /** A short text beside the point. */
  readonly label?: string
}

export interface PointAxes {
  readonly x: string
  readonly y: string
  /** The marks of the axis, on a logarithmic scale. Default: as the values need. */
  readonly ticks?: readonly number[] | undefined
  /** A dashed line across the chart. */
  readonly rule?: { readonly at: number; readonly name: string } | undefined
  readonly isJoined?: boolean
}

/** Points with their intervals. Each series has a colour of its own. */
export function pointChart(
  series: readonly (readonly Point[])[],
  { x, y, ticks, rule, isJoined = false }: PointAxes,
): string {
  const marks = series.flatMap((points, i) => {
    const stroke = COLOURS[i] ?? 'currentColor'
    const ranges = points.filter(({ low, high }) => low !== undefined && high !== undefined)
    const dash = DASHES[i] ? { strokeDasharray: DASHES[i] } : {}
    return [
      ...(isJoined ? [Plot.line(points, { x: 'x', y: 'y', stroke, strokeWidth: 1.5, ...dash })] : []),
      Plot.ruleX(ranges, { x: 'x', y1: 'low', y2: 'high', stroke, strokeWidth: 2, strokeOpacity: 0.55 }),
      Plot.dot(points, { x: 'x', y: 'y', fill: stroke, r: 4 }),
      Plot.text(points, { x: 'x', y: 'y', text: 'label', textAnchor: 'start', dx: 7, dy: -8 }),
    ]
  })
  const own = ticks ? { type: 'log' as const, ticks: [...ticks], tickFormat: short } : { tickFormat: short }
  return draw({
    marginRight: 36,
    x: { label: x, nice: !ticks, ...own },
    y: { label: y, grid: true, tickFormat: short, nice: true },
    marks: [...(rule ? [Plot.ruleY([rule.at], RULE), Plot.text([rule], ruleName('y'))] : []), ...marks],
  })
}

/** A value with its interval, and its name before it. */
export interface IntervalRow {
  readonly label: string
  readonly mean: number
  readonly low: number
  readonly high: number
}

/** An interval for each name, below each other. `rule`: a dashed line, as the margin. */
export function intervalChart(rows: readonly IntervalRow[], x: string, rule?: PointAxes['rule']): string {
  const named = rows.map((row, i) => ({ ...row, at: String(i), label: clip(row.label) }))
  return draw({
    ...bandOf(named),
    marginTop: rule ? 22 : 6,
    height: (rule ? 50 : 34) + rows.length * BAR_HEIGHT,
    x: { label: x, ticks: 5, tickFormat: short, grid: true, nice: true },
    marks: [
      Plot.ruleX([0]),
      ...(rule ? [Plot.ruleX([rule.at], RULE), Plot.text([rule], ruleName('x'))] : []),
      Plot.ruleY(named, {
        y: 'at',
        x1: 'low',
        x2: 'high',
        stroke: COLOURS[0],
        strokeWidth: 3,
        strokeOpacity: 0.55,
      }),
      Plot.dot(named, { x: 'mean', y: 'at', fill: COLOURS[0], r: 4 }),
    ],
  })
}

const RULE = { stroke: COLOURS[1], strokeWidth: 1.5, strokeDasharray: '5 3' }

/** The name of a rule: at its right end, or above it. */
function ruleName(axis: 'x' | 'y'): Plot.TextOptions {
  const place: Plot.TextOptions =
    axis === 'y'
      ? { y: 'at', frameAnchor: 'left', textAnchor: 'start', dx: 4, dy: 9 }
      : { x: 'at', frameAnchor: 'top', dy: -12 }
  return { ...place, text: 'name', fill: COLOURS[1] }
}

/** A band for each name, with room for the names before it. */
function bandOf(named: readonly { readonly at: string; readonly label: string }[]): Plot.PlotOptions {
  const longest = Math.max(...named.map(({ label }) => lettersOf(label)))
  return {
    marginLeft: Math.ceil(longest * FONT_SIZE * LETTER) + 14,
    // Two values may have the same name once they are clipped.
    y: {
      type: 'band',
      // Without it, place 10 stands before place 2.
      domain: named.map(({ at }) => at),
      label: null,
      tickSize: 0,
      tickFormat: (at: string) => isolated(named[Number(at)]?.label ?? ''),
    },
  }
}

/** The part of an SVG element that is used here. The project has no types of a browser. */
interface Drawn {
  readonly outerHTML: string
  querySelector: (selector: string) => { remove: () => void } | null
  querySelectorAll: (selector: string) => Iterable<{ removeAttribute: (name: string) => void }>
}

function draw(options: Plot.PlotOptions): string {
  const { document } = parseHTML('<!doctype html><html></html>') as { readonly document: unknown }
  const svg = Plot.plot({
    ...{
      document,
      width: WIDTH,
      height: 240,
      marginTop: 30,
      marginLeft: 48,
      marginBottom: 34,
      className: 'plot',
    },
    ...options,
    style: { fontSize: `${FONT_SIZE}px`, background: 'none', overflow: 'visible' },
  }) as unknown as Drawn
  // The page has the styles, once for all charts.
  svg.querySelector('style')?.remove()
  // The chart is one image for a screen reader, so its parts have no names.
  for (const part of svg.querySelectorAll('[aria-label]')) part.removeAttribute('aria-label')
  return svg.outerHTML
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

function wholeOnly(value: number): string {
  return Number.isInteger(value) ? short(value) : ''
}

/** `1.2k`, so that an axis has room for it. */
function short(value: number): string {
  return value.toLocaleString('en-US', { notation: 'compact', maximumSignificantDigits: 3 })
}
