import type { ArmReport, EvalReport } from '../../eval/index.ts'
import { html, type Html } from '../page/html.ts'
import { table, type Column } from '../page/parts.ts'
import { dollars, duration, large, percent, tenths, whole } from '../terminal/words.ts'
import { known, meanOf, perSecond, pointRange, points, SCORES, verdictOf } from './words.ts'

const NUMBER = { kind: 'number' } as const
/** Rows of a table that are the most telling. The rest is in `--json`. */
const MOST_ROWS = 30

const name: Column<ArmReport> = { name: 'arm', cell: (arm) => html`<bdi class="short">${arm.name}</bdi>` }

/** The arms, with what they lose against packs of one. */
export function armTable({ arms, scoredBy, margin }: EvalReport): Html {
  const isPriced = arms.some(({ costPer1000 }) => costPer1000 !== undefined)
  const columns: Column<ArmReport>[] = [
    name,
    { ...NUMBER, name: SCORES[scoredBy].toLowerCase(), cell: ({ score }) => meanOf(score) },
    {
      ...{ ...NUMBER, name: 'loss in points' },
      cell: ({ loss }) => loss && `${points(loss.mean)} (${pointRange(loss)})`,
    },
    { name: 'verdict', cell: (arm) => html`<span class="short">${verdictOf(arm)}</span>` },
    ...(isPriced
      ? [
          {
            ...{ ...NUMBER, name: 'cost of 1,000' },
            cell: ({ costPer1000 }: ArmReport) => known(costPer1000, dollars),
          },
        ]
      : []),
    { ...NUMBER, name: 'records a second', cell: ({ speed }) => known(speed.recordsPerSecond, perSecond) },
    { ...NUMBER, name: 'records', cell: ({ records }) => whole(records) },
    { ...NUMBER, name: 'rejected', cell: ({ rejected }) => whole(rejected) },
  ]
  return table(
    `Each arm, and its loss against packs of one with a 95% interval. The margin is ${points(margin)} points.`,
    columns,
    arms,
  )
}

/** What the sample could show. */
export function lossTable({ arms }: EvalReport): Html | undefined {
  const lost = arms.flatMap((arm) => (arm.loss ? [{ arm, loss: arm.loss }] : []))
  if (lost.length === 0) return undefined
  const columns: Column<(typeof lost)[number]>[] = [
    { name: 'arm', cell: ({ arm }) => html`<bdi class="short">${arm.name}</bdi>` },
    { ...NUMBER, name: 'at all times', cell: ({ loss }) => pointRange(loss.always) },
    { ...NUMBER, name: 'smallest loss to find', cell: ({ loss }) => points(loss.smallest) },
    { ...NUMBER, name: 'more records needed', cell: ({ loss: { more } }) => moreWords(more) },
    { ...NUMBER, name: 'another answer', cell: ({ arm: { flips } }) => flips && meanOf(flips) },
    { ...NUMBER, name: 'correlation', cell: ({ loss }) => loss.correlation.toFixed(2) },
    ...(lost.some(({ loss }) => loss.mcnemar)
      ? [
          {
            ...{ ...NUMBER, name: 'right only alone : packed (p)' },
            cell: ({ loss: { mcnemar: pair } }: (typeof lost)[number]) =>
              pair && `${whole(pair.onlyAlone)} : ${whole(pair.onlyPacked)} (${pair.p.toPrecision(2)})`,
          },
        ]
      : []),
  ]
  return table(
    'Statistics of the losses, in points. A pack is the unit, because its answers depend on each other. p is of McNemar, which takes them as independent.',
    columns,
    lost,
  )
}

function moreWords(more: number | undefined): string {
  return more === undefined ? 'not known' : more === 0 ? 'none' : `about ${whole(more)}`
}

/** What the arms took. */
export function effortTable({ arms }: EvalReport): Html {
  const columns: Column<ArmReport>[] = [
    name,
    { ...NUMBER, name: 'requests', cell: ({ requests }) => whole(requests) },
    { ...NUMBER, name: 'records a second', cell: ({ speed }) => known(speed.recordsPerSecond, perSecond) },
    { ...NUMBER, name: 'first result', cell: ({ speed }) => known(speed.firstResultMs, duration) },
    { ...NUMBER, name: 'half of the results', cell: ({ speed }) => known(speed.p50Ms, duration) },
    { ...NUMBER, name: '95% of the results', cell: ({ speed }) => known(speed.p95Ms, duration) },
    ...(
      [
        ['input', ({ tokens }) => tokens.input],
        ['cached', ({ tokens }) => tokens.cached],
        ['output', ({ tokens }) => tokens.output],
        ['reasoning', ({ tokens }) => tokens.reasoning],
      ] as [string, (arm: ArmReport) => number][]
    ).map(([of, value]) => ({
      ...{ ...NUMBER, name: `${of} tokens a record` },
      cell: (arm: ArmReport) => (value(arm) < 1_000 ? tenths(value(arm)) : large(value(arm))),
    })),
  ]
  return table(
    'Each arm had the same number of requests at once. Times of results begin with their request.',
    columns,
    arms,
  )
}

/** What packs change in the labels. */
export function labelTables({ arms }: EvalReport): Html[] {
  const confusions = arms.flatMap((arm) => arm.confusions.map((pair) => ({ ...pair, arm: arm.name })))
  const shares = arms.flatMap((arm) => arm.shares.map((share) => ({ ...share, arm: arm.name })))
  return [
    ...(confusions.length === 0
      ? []
      : [
          table(
            `Pairs of labels that are confused more often than alone${limited(confusions)}`,
            [
              { name: 'right', cell: ({ gold }) => html`<bdi>${gold}</bdi>` },
              { name: 'answered', cell: ({ said }) => html`<bdi>${said}</bdi>` },
              { name: 'arm', cell: ({ arm }) => html`<bdi class="short">${arm}</bdi>` },
              { ...NUMBER, name: 'in packs', cell: ({ packed }) => whole(packed) },
              { ...NUMBER, name: 'alone', cell: ({ alone }) => whole(alone) },
            ],
            confusions.toSorted((a, b) => b.packed - b.alone - (a.packed - a.alone)).slice(0, MOST_ROWS),
          ),
        ]),
    ...(shares.length === 0
      ? []
      : [
          table(
            `Share of each label${limited(shares)}`,
            [
              { name: 'label', cell: ({ label }) => html`<bdi>${label}</bdi>` },
              { name: 'arm', cell: ({ arm }) => html`<bdi class="short">${arm}</bdi>` },
              { ...NUMBER, name: 'in packs', cell: ({ packed }) => percent(packed) },
              { ...NUMBER, name: 'alone', cell: ({ alone }) => percent(alone) },
              { ...NUMBER, name: 'difference in points', cell: ({ difference }) => pointRange(difference) },
              { name: 'alarm', cell: ({ isAlarm }) => (isAlarm ? 'yes' : '') },
            ],
            shares
              .toSorted(
                (a, b) =>
                  Number(b.isAlarm) - Number(a.isAlarm) ||
                  Math.abs(b.packed - b.alone) - Math.abs(a.packed - a.alone),
              )
              .slice(0, MOST_ROWS),
          ),
        ]),
  ]
}

function limited(rows: readonly unknown[]): string {
  return rows.length > MOST_ROWS ? `: the first ${MOST_ROWS} of ${whole(rows.length)}` : ''
}
