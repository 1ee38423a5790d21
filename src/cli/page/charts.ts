/*
 * The charts, as SVG. Only this file knows Observable Plot and the document that it draws in: the
 * build bundles it, so that users install neither.
 */
import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'

/** Columns of a chart on a narrow screen. A wide screen enlarges it. */
const WIDTH = 420
const FONT_SIZE = 11.5
/** Width of a letter, as a part of the font size. */
const LETTER = 0.56
/** Longest label of a bar, in letters. */
const LONGEST_LABEL = 26
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
  const longest = Math.max(...named.map(({ label }) => lettersOf(label)))
  const most = Math.max(...bars.map(({ shown }) => lettersOf(shown)))
  return draw({
    height: 34 + bars.length * BAR_HEIGHT,
    marginTop: 6,
    marginLeft: Math.ceil(longest * FONT_SIZE * LETTER) + 14,
    marginRight: Math.ceil(most * FONT_SIZE * LETTER) + 8,
    x: { label: x, ticks: 4, tickFormat: short, grid: true },
    // Two values may have the same name once they are clipped.
    y: {
      type: 'band',
      // Without it, place 10 stands before place 2.
      domain: named.map(({ at }) => at),
      label: null,
      tickSize: 0,
      tickFormat: (at: string) => isolated(named[Number(at)]?.label ?? ''),
    },
    marks: [
      Plot.barX(named, { x: 'value', y: 'at', fill: COLOURS[0], insetTop: 2, insetBottom: 2 }),
      Plot.text(named, { x: 'value', y: 'at', text: 'shown', textAnchor: 'start', dx: 4 }),
      Plot.ruleX([0]),
    ],
  })
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

const segmenter = new Intl.Segmenter('en')
const isWide =
  /[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]|\p{Emoji_Presentation}/u

/** The width of a text, in letters of Latin. A character of Chinese is twice as wide. */
function lettersOf(text: string): number {
  return sum(Array.from(segmenter.segment(text), ({ segment }) => (isWide.test(segment) ? 1.8 : 1)))
}

function clip(label: string): string {
  let clipped = ''
  let length = 0
  for (const { segment } of segmenter.segment(label.slice(0, 200).replace(/\s+/g, ' '))) {
    length += lettersOf(segment)
    if (length > LONGEST_LABEL) return `${clipped}…`
    clipped += segment
  }
  return clipped
}

/** Keeps a text that is written from right to left from moving what stands beside it. */
function isolated(label: string): string {
  return `\u2068${label}\u2069`
}
