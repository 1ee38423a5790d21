import { wrap } from '../terminal/aligned.ts'
import { dollarRange, durationRange } from '../terminal/words.ts'
import type { Figures, Way, Ways } from './ways.ts'

/** The rows as a table, or as sentences where the table does not fit. */
export function waysTable({ size, rows }: Ways, width: number): string[] {
  const names = [size === undefined ? [] : [`packs of ${size}`, 'done in']].flat()
  const cells = [
    ['  way', 'one by one', 'done in', ...names],
    ...rows.map((row) => [
      `  ${titleOf(row)}`,
      ...figuresOf(row.alone, row),
      ...(size === undefined ? [] : row.packed ? figuresOf(row.packed, row) : ['', '']),
    ]),
  ]
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? []
  const lines = cells.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
  if (lines.every(({ length }) => length <= width)) return lines
  return rows.flatMap((row) => wrap(sentence(row, size), width))
}

function sentence(row: Way, size = 0): string {
  const said = (figures: Figures) => figuresOf(figures, row).join(', ')
  const packed = row.packed ? `; packs of ${size}: ${said(row.packed)}` : ''
  return `${titleOf(row)}: one by one: ${said(row.alone)}${packed}`
}

/** `Batch API (−50%)` */
function titleOf({ name, factor }: Way): string {
  return factor === 1 ? name : `${name} (−${Math.round((1 - factor) * 100)}%)`
}

function figuresOf({ cost, time }: Figures, { withinHours, kind }: Way): [cost: string, time: string] {
  const unknown = kind === 'lane' ? 'slow' : '?'
  return [
    cost ? dollarRange(cost) : '?',
    withinHours !== undefined ? `≤ ${withinHours} h` : time ? durationRange(time) : unknown,
  ]
}

/** The conditions of the rows, and the ways that are left out. */
export function waysNotes({ rows, leftOut }: Ways): string[] {
  const lanes = rows.filter(({ kind }) => kind === 'lane')
  const decisions = rows.filter(({ kind }) => kind === 'decisions')
  const named = (items: readonly { name: string; text: string | undefined }[]) =>
    grouped(items).map(({ names, text }) => `${names}: ${text}.`)
  return [
    ...(lanes.length === 0
      ? []
      : [
          `Slower lanes: ${lanes.map(({ name }) => name).join('; ')}, as of ${days(lanes)}. They are counted without ` +
            `hits of the cache. ${named(lanes.map(({ name, note: text }) => ({ name, text }))).join(' ')}`.trimEnd(),
        ]),
    ...(decisions.length === 0 ? [] : [aboutDecisions(decisions)]),
    ...named(leftOut.map(({ name, why: text }) => ({ name, text }))).map((text) => `Left out: ${text}`),
  ]
}

function aboutDecisions(rows: readonly Way[]): string {
  return (
    `Decision endpoints: ${rows.map(({ name }) => name).join('; ')}, as of ${days(rows)}. They answer a closed ` +
    'question about one record with a label and its probability, and bill only input: here the tokens of plain ' +
    'requests. Their models are others, so only a test on your records tells their accuracy. The times are claims ' +
    'of their vendors, for the same number of requests at once and without limits per minute.'
  )
}

function days(rows: readonly Way[]): string {
  return [...new Set(rows.flatMap(({ date = [] }) => date))].toSorted().join(', ')
}

/** Joins the names that have the same text. Leaves out names without a text. */
function grouped(items: readonly { name: string; text: string | undefined }[]) {
  const byText = Map.groupBy(items, ({ text }) => text)
  return [...byText].flatMap(([text, all]) =>
    text === undefined ? [] : [{ names: all.map(({ name }) => name).join('; '), text }],
  )
}
