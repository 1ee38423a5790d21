import { defaults } from '../../options/index.ts'
import { checkTexts } from './checks.ts'
import type { InFlight } from './in-flight.ts'
import { notesOf } from './notes.ts'
import type { Chosen, Plan } from './plan-report.ts'
import type { Range } from '../measure/range.ts'
import type { PlanRow } from '../estimate/row.ts'
import type { Bound } from '../estimate/time.ts'
import { wrap } from '../terminal/aligned.ts'
import { textTable } from '../terminal/text-table.ts'
import { waysTable } from '../ways/format.ts'
import { dollarRange, duration, durationRange, large, whole } from '../terminal/words.ts'

/** Columns of a pipe, and the longest line that is easy to read. */
const PIPE_COLUMNS = 80
const MOST_COLUMNS = 100

/**
 * The plan as a table for people, with its choice and its notes. Ends with a line feed.
 *
 * @param columns The width of the terminal. Default: a pipe.
 */
export function formatPlan(plan: Plan, columns = PIPE_COLUMNS): string {
  const { records, chosen, rows, model } = plan
  const width = Math.min(columns, MOST_COLUMNS)
  const lines = (text: string) => wrap(text, width)
  if (rows.length === 0) {
    const { unreadable } = records
    const why = unreadable === 0 ? '' : `, only rows that are broken or without text: ${whole(unreadable)}`
    return `${lines(`The input has no records${why}. There is nothing to plan.`).join('\n')}\n`
  }
  const row = rows.find(({ size }) => size === chosen?.size)
  const head = `${whole(records.read)} ${records.read === 1 ? 'record' : 'records'} for ${model}. Nothing was sent.`
  return [
    ...[...lines(head), '', ...table(rows, chosen?.size, width), ''],
    ...lines(
      `${chosen ? '→ chosen. ' : ''}Pack 1: plain requests of one record each, without the packing protocol.`,
    ),
    '',
    ...(row ? [...lines(binding(row)), ''] : []),
    ...lines(chosen ? choice(chosen) : nothing(plan)),
    '',
    ...(chosen?.inFlight && row ? [...lines(atOnce(plan, chosen.inFlight, row)), ''] : []),
    ...(plan.checks ? [...checkTexts(plan.checks).flatMap(lines), ''] : []),
    ...(plan.ways
      ? [
          ...lines(
            'Other ways to the same answer, as arithmetic. A run sends packs, now. The other ways need a program of yours.',
          ),
          ...['', ...waysTable(plan.ways, width), ''],
        ]
      : []),
    ...notesOf(plan).flatMap(({ text }) =>
      wrap(text, width - 2).map((row, i) => (i === 0 ? '- ' : '  ') + row),
    ),
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

/** The columns that a narrow table leaves out, in this order. */
const OPTIONAL = ['cached', 'output', 'input', 'requests', 'bound by']

function table(rows: readonly PlanRow[], chosen: number | undefined, width: number): string[] {
  return textTable(columnsOf(rows, chosen), { width, optional: OPTIONAL, left: ['bound by'] })
}

function columnsOf(rows: readonly PlanRow[], chosen: number | undefined): Map<string, string[]> {
  const about = ({ loose }: PlanRow) => (loose.length === 0 ? '' : '~')
  const cells = (show: (row: PlanRow) => string) => rows.map((row) => show(row))
  const columns = new Map([
    ['  pack', cells(({ size }) => `${size === chosen ? '→' : ' '} ${String(size).padStart(4)}`)],
    ['requests', cells((row) => about(row) + whole(row.requests))],
    ['input', cells((row) => about(row) + large(row.inputTokens))],
    ['cached', cells((row) => (row.cachedTokens === 0 ? '' : about(row)) + large(row.cachedTokens))],
    ['output', cells((row) => about(row) + large(row.outputTokens.expected))],
    ['cost', cells((row) => (row.cost ? about(row) + dollarRange(row.cost) : ''))],
    [
      'time',
      cells((row) => (row.boundBy === 'over the limit' ? 'never' : about(row) + durationRange(row.time))),
    ],
    ['bound by', cells(({ boundBy }) => SHORT[boundBy])],
  ])
  if (!rows.some(({ cost }) => cost)) columns.delete('cost')
  return columns
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

/** How many requests at once are worth it, and why no more. */
function atOnce({ limits }: Plan, { requests, time, boundBy }: InFlight, row: PlanRow): string {
  const { maxInFlight, requestsPerMinute, tokensPerMinute } = limits
  const why: Partial<Record<InFlight['boundBy'], string>> = {
    requests: 'there are no more requests',
    slowdown: 'requests slow each other too much',
    unknown: 'the plan looks no further',
  }
  const end = `Beyond that, ${why[boundBy] ?? `the ${boundBy} hold the run back`}.`
  if (requests <= maxInFlight) return `At once: --max-in-flight ${requests} is enough. ${end}`
  const isLimited = (requestsPerMinute ?? tokensPerMinute) !== undefined
  const condition = isLimited ? '' : ', if the server takes as many (--rpm and --tpm state its limits)'
  return (
    `At once: --max-in-flight ${requests} takes ${duration(time.expected)} instead of ` +
    `${duration(row.time.expected)} with ${maxInFlight}${condition}. ${end} Plan again with it: another size may be better then.`
  )
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
