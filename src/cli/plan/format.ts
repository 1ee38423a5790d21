import { defaults } from '../../options/index.ts'
import { notesOf } from './notes.ts'
import type { Chosen, Plan } from './plan-report.ts'
import type { Range } from '../measure/range.ts'
import type { PlanRow } from './row.ts'
import type { Bound } from './time.ts'
import { dollarRange, durationRange, large, whole } from '../terminal/words.ts'

const WIDTH = 100

/** The plan as a table for people, with its choice and its notes. Ends with a line feed. */
export function formatPlan(plan: Plan): string {
  const { records, chosen, rows, model } = plan
  if (rows.length === 0) {
    const { unreadable } = records
    const why = unreadable === 0 ? '' : `, only rows that are broken or without text: ${whole(unreadable)}`
    return `The input has no records${why}. There is nothing to plan.\n`
  }
  const row = rows.find(({ size }) => size === chosen?.size)
  const head = `${whole(records.read)} ${records.read === 1 ? 'record' : 'records'} for ${model}. Nothing was sent.`
  return [
    ...[head, '', ...table(rows, chosen?.size), ''],
    `${chosen ? '→ chosen. ' : ''}Pack 1: plain requests of one record each, without the packing protocol.`,
    '',
    ...(row ? [...wrap(binding(row)), ''] : []),
    ...wrap(chosen ? choice(chosen) : nothing(plan)),
    '',
    ...notesOf(plan).flatMap(({ text }) => wrap(text, '- ', '  ')),
    '',
  ].join('\n')
}

function nothing({ rows, limits }: Plan): string {
  return rows.every(({ boundBy }) => boundBy === 'too long')
    ? `Nothing can be sent: no request fits into ${whole(limits.contextTokens ?? 0)} tokens (--context-tokens) with its ` +
        'answer. Shorten the instructions or the records, or take a model with a larger context.'
    : 'Nothing can be sent: each request is charged more than the limit of tokens a minute (--tpm), so a provider ' +
        'with this limit never accepts it. Shorten the instructions or the records, or ask for a higher limit.'
}

function choice({ size, why }: Chosen): string {
  return `Chosen ${/^\d/.test(why) ? '' : `${size}. `}${why} ${howToRun(size)}`
}

const SHORT: Record<PlanRow['boundBy'], string> = {
  'latency × max-in-flight': 'latency',
  'requests per minute': 'requests/min',
  'tokens per minute': 'tokens/min',
  'too long': 'too long',
  'over the limit': 'over the limit',
}

function table(rows: readonly PlanRow[], chosen: number | undefined): string[] {
  const hasCost = rows.some(({ cost }) => cost)
  const lines = [
    ['  pack', 'requests', 'input', 'cached', 'output', ...(hasCost ? ['cost'] : []), 'time', 'bound by'],
    ...rows.map((row) => {
      const { size, requests, inputTokens, cachedTokens, outputTokens, cost, time, boundBy, loose } = row
      const about = loose.length === 0 ? '' : '~'
      return [
        `${size === chosen ? '→' : ' '} ${String(size).padStart(4)}`,
        ...[about + whole(requests), about + large(inputTokens)],
        ...[(cachedTokens === 0 ? '' : about) + large(cachedTokens), about + large(outputTokens.expected)],
        ...(cost ? [about + dollarRange(cost)] : []),
        ...[boundBy === 'over the limit' ? 'never' : about + durationRange(time), SHORT[boundBy]],
      ]
    }),
  ]
  const widths =
    lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
  const last = widths.length - 1
  return lines.map((line) =>
    line.map((cell, i) => (i === last ? cell : cell.padStart(widths[i] ?? 0))).join('  '),
  )
}

/** The limit that decides the time of the chosen size, and the times by the other limits. */
function binding({ bounds, boundBy }: PlanRow): string {
  const known = Object.entries(bounds).filter((entry): entry is [Bound, Range] => entry[1] !== undefined)
  const own = known.find(([bound]) => bound === boundBy)
  const others = known
    .filter(([bound]) => bound !== boundBy)
    .map(([bound, time]) => `${bound} ${durationRange(time)}`)
  const rest = others.length === 0 ? '' : `; the other limits alone: ${others.join(', ')}`
  return `Bound by ${boundBy} (${own ? durationRange(own[1]) : ''})${rest}.`
}

/** The flag that makes a run pack in this size. */
function howToRun(size: number): string {
  if (size === 1) {
    return 'A run cannot send plain requests: with --max-pack-records 1 it sends the packing protocol with each record.'
  }
  return size === defaults.maxPackRecords
    ? 'A run uses this size by default.'
    : `Run it with --max-pack-records ${size}.`
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
