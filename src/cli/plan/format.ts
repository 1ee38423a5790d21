import { notesOf } from './notes.ts'
import type { Plan } from './plan.ts'
import type { Bound, PlanRow } from './row.ts'
import { dollarRange, duration, durationRange, large, whole } from './words.ts'

const WIDTH = 100

/** The plan as a table for people, with what to make of it. Ends with a line feed. */
export function formatPlan(plan: Plan): string {
  const { records, chosen, rows, model } = plan
  if (!chosen) {
    const { unreadable } = records
    const why = unreadable === 0 ? '' : `, but for ${whole(unreadable)} that could not be read`
    return `The input has no records${why}: there is nothing to plan.\n`
  }
  const row = rows.find(({ size }) => size === chosen.size)
  const head = `${whole(records.read)} ${records.read === 1 ? 'record' : 'records'} for ${model}. Nothing was sent.`
  return [
    ...[head, '', ...table(rows, chosen.size), ''],
    '→ chosen. Pack 1: plain requests of one record each, without the packing protocol.',
    '',
    ...(row ? [...wrap(`Binding: ${binding(row)}`), ''] : []),
    ...wrap(`Chosen ${/^\d/.test(chosen.why) ? '' : `${chosen.size}. `}${chosen.why}`),
    '',
    ...notesOf(plan).flatMap((note) => wrap(note, '- ', '  ')),
    '',
  ].join('\n')
}

const SHORT: Record<Bound, string> = {
  'latency × max-in-flight': 'latency',
  'requests per minute': 'requests/min',
  'tokens per minute': 'tokens/min',
}

function table(rows: readonly PlanRow[], chosen: number): string[] {
  const hasCost = rows.some(({ cost }) => cost)
  const lines = [
    ['  pack', 'requests', 'input', 'cached', 'output', ...(hasCost ? ['cost'] : []), 'time', 'bound by'],
    ...rows.map(({ size, requests, inputTokens, cachedTokens, outputTokens, cost, time, boundBy }) => [
      `${size === chosen ? '→' : ' '} ${String(size).padStart(4)}`,
      ...[whole(requests), large(inputTokens), large(cachedTokens), large(outputTokens.expected)],
      ...(cost ? [dollarRange(cost)] : []),
      ...[durationRange(time), SHORT[boundBy]],
    ]),
  ]
  const widths =
    lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
  const last = widths.length - 1
  return lines.map((line) =>
    line.map((cell, i) => (i === last ? cell : cell.padStart(widths[i] ?? 0))).join('  '),
  )
}

/** What holds the chosen way back, and how far the others are from it. */
function binding({ bounds, boundBy }: PlanRow): string {
  const others = Object.entries(bounds).filter(([bound, time]) => bound !== boundBy && time !== undefined)
  const each = ([bound, time = 0]: [string, number | undefined]) => `${bound} ${duration(time)}`
  const first = `${boundBy} (${duration(bounds[boundBy] ?? 0)})`
  return others.length === 0 ? `${first}.` : `${first}; by themselves ${others.map(each).join(', ')}.`
}

/** Cuts a text into lines, at spaces. */
function wrap(text: string, first = '', rest = ''): string[] {
  const lines: string[] = []
  let line = first
  let isEmpty = true
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = rest
      isEmpty = true
    }
    line += (isEmpty ? '' : ' ') + word
    isEmpty = false
  }
  return [...lines, line]
}
