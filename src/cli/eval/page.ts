import type { EvalReport } from '../../eval/index.ts'
import { html, type Html } from '../page/html.ts'
import { figure, table, type Column, type Figure, type Section, type Tile } from '../page/parts.ts'
import { pageIn, type State } from '../page/shell.ts'
import { dollars, whole } from '../terminal/words.ts'
import { labelFigures } from './label-figures.ts'
import { originFigures } from './origin-figures.ts'
import { resultFigures } from './result-figures.ts'
import { armTable, effortTable, labelTables, lossTable } from './tables.ts'
import { known, meanOf, perSecond, points, pointRange, SCORES } from './words.ts'

/** What a page about an eval shows. */
export interface EvalPage {
  /** The name of the data. */
  readonly name: string
  readonly report: EvalReport
  /** The command that runs the recommendation, or nothing, and the command of the eval itself. */
  readonly use: string
  readonly command: string
  readonly server: string
  readonly madeAt: Date
  readonly version: string
}

/** Makes the page: HTML that needs no other file. */
export async function makeEvalPage(page: EvalPage): Promise<string> {
  const charts = await import('../page/charts.ts')
  const { name, report, madeAt, version } = page
  const figures = (id: string, all: readonly Figure[]): Html =>
    html`<div class="figures">${all.map((one, i) => figure(`${id}-${i}`, one))}</div>`
  const sections: (Section | undefined)[] = [
    { id: 'use', title: 'Recommendation', body: recommendationOf(page) },
    { id: 'arms', title: 'Arms', body: html`${armTable(report)} ${lossTable(report)}` },
    { id: 'results', title: 'Score, cost and time', body: figures('result', resultFigures(report, charts)) },
    sectionOf('origin', 'Where a loss comes from', figures, originFigures(report, charts)),
    sectionOf('labels', 'Labels', figures, labelFigures(report, charts), labelTables(report)),
    { id: 'effort', title: 'Time and tokens', body: effortTable(report) },
    { id: 'settings', title: 'Settings', body: settingsOf(page) },
  ]
  return pageIn({
    ...{ kind: 'Report of an eval', name, madeAt, version, tiles: tilesOf(report) },
    ...{ state: stateOf(page), notes: notesOf(page), sections: sections.filter((one) => one !== undefined) },
  })
}

function sectionOf(
  id: string,
  title: string,
  figures: (id: string, all: readonly Figure[]) => Html,
  all: readonly Figure[],
  tables: readonly Html[] = [],
): Section | undefined {
  if (all.length + tables.length === 0) return undefined
  return { id, title, body: html`${all.length === 0 ? undefined : figures(id, all)}${tables}` }
}

/** Sentences that the head of the page has. */
const MOST_AT_HEAD = 3

function recommendationOf({ report: { recommendation }, use }: EvalPage): Html {
  return html`<ul>
      ${recommendation.sentences.map((sentence) => html`<li>${sentence}</li>`)}
    </ul>
    ${use === '' ? undefined : html`<pre><code>${use}</code></pre>`}`
}

const KINDS = { pack: 'good', alone: 'bad', unclear: 'part' } as const

function stateOf({ report: { recommendation } }: EvalPage): State {
  const [title = '', ...rest] = recommendation.sentences
  return { kind: KINDS[recommendation.kind], title, text: rest.slice(0, MOST_AT_HEAD - 1).join(' ') }
}

/** What a reader must know about the figures. */
function notesOf({ report: { stopped, scoredBy }, server }: EvalPage): string[] {
  return [
    ...(server === 'simulator'
      ? ['The simulator answered, which is no model: the figures say nothing about a model.']
      : []),
    ...(stopped === 'max_cost' ? ['The spending cap (--max-cost) ended the eval before its sample.'] : []),
    ...(stopped === 'aborted' ? ['The eval was interrupted. The same command continues it.'] : []),
    ...(scoredBy === 'agreement'
      ? [
          'There are no right results (--gold), so the figures say how far packs agree with packs of one, beyond the disagreement of packs of one with themselves.',
        ]
      : []),
  ]
}

function tilesOf(report: EvalReport): Tile[] {
  const { records, margin, cost, arms, recommendation, scoredBy } = report
  const alone = arms.find(({ kind }) => kind === 'alone')
  const best = arms.find(({ kind, size }) => kind === 'packed' && size === recommendation.size)
  const chosen = recommendation.kind === 'pack' ? best : undefined
  const costs = [alone, chosen].map((arm) => arm?.costPer1000)
  return [
    { name: 'Records', value: whole(records), more: `${arms.length} arms` },
    ...(alone && scoredBy !== 'agreement'
      ? [{ name: `${SCORES[scoredBy]}, alone`, value: meanOf(alone.score) }]
      : []),
    ...(chosen?.loss
      ? [
          {
            name: `Loss in ${chosen.name}`,
            value: `${points(chosen.loss.mean)} points`,
            more: `${pointRange(chosen.loss)}, margin ${points(margin)}`,
          },
        ]
      : []),
    ...(costs[0] === undefined
      ? []
      : [
          {
            name: 'Cost of 1,000 records',
            value: dollars(costs[1] ?? costs[0]),
            more: costs[1] === undefined ? 'one by one' : `${dollars(costs[0])} one by one`,
          },
        ]),
    ...(chosen && alone
      ? [
          {
            name: 'Records a second',
            value: known(chosen.speed.recordsPerSecond, perSecond),
            more: `${known(alone.speed.recordsPerSecond, perSecond)} one by one`,
          },
        ]
      : []),
    {
      name: 'Requests of the eval',
      value: whole(arms.reduce((sum, { requests }) => sum + requests, 0)),
      more: cost === undefined ? undefined : dollars(cost),
    },
  ]
}

function settingsOf({ report, server, command }: EvalPage): Html {
  const rows: [string, string][] = [
    ['model', report.model],
    ['server', server],
    ['records', whole(report.records)],
    ['seed', String(report.seed)],
    ['margin', `${points(report.margin)} points`],
  ]
  const columns: Column<[string, string]>[] = [
    { name: 'setting', cell: ([name]) => name },
    { name: 'value', cell: ([, value]) => html`<bdi>${value}</bdi>` },
  ]
  return html`${table('Settings of the eval', columns, rows)}
    <pre><code>${command}</code></pre>`
}
