import type { RejectedReason } from '../measure/rejected-reasons.ts'
import { whole } from '../terminal/words.ts'
import type * as Charts from './charts.ts'
import type { Contents, ShownRow } from './contents.ts'
import { html, Html } from './html.ts'
import { figure, table, valueOf, type Column, type Section } from './parts.ts'
import { isProse, resultFigure, sizeOf } from './result-figures.ts'

/** Columns of a table of rows. The last column has the values of all other columns. */
const MOST_COLUMNS = 12
/** Reasons whose examples are shown at once. */
const OPEN_REASONS = 5

/** The sections that count the rows of an output. */
export function resultSections(contents: Contents, charts: typeof Charts): Section[] {
  return [
    { id: 'results', title: 'Results', body: resultsOf(contents, charts) },
    ...(contents.rejected > 0
      ? [{ id: 'rejected', title: 'Rejected records', body: rejectsOf(contents) }]
      : []),
  ]
}

/** The section that shows some rows of an output. */
export function sampleSections({ rows, sample }: Contents): Section[] {
  return rows === 0 ? [] : [{ id: 'sample', title: 'Sample', body: sampleOf(sample.values, rows) }]
}

function resultsOf({ tallies, rows, rejected }: Contents, charts: typeof Charts): Html {
  if (rows === 0) return html`<p>There is no record.</p>`
  if (rows === rejected) return html`<p>No record has a result.</p>`
  const all = [...tallies].map(([name, tally], i) => ({ id: `result-${i}`, name, tally }))
  const [texts, counted] = [
    all.filter(({ tally }) => isProse(tally)),
    all.filter(({ tally }) => !isProse(tally)),
  ]
  return html`<div class="figures">
      ${counted.map(({ id, name, tally }) => figure(id, resultFigure(name, tally, charts)))}
    </div>
    ${texts.map(
      ({ name, tally }) =>
        html`<p>
          <strong><bdi>${name}</bdi></strong
          >: ${sizeOf(tally)}. The sample below shows some of them.
        </p>`,
    )}`
}

function rejectsOf({ rejects, rows, rejected }: Contents): Html {
  return html`<p>
      ${whole(rejected)} of ${whole(rows)} records have no result. <code>--rejects</code> names a file for
      them, which is an input for another run.
    </p>
    ${rejects.list.map(reasonOf)}`
}

function reasonOf({ code, reason, count, advice, examples }: RejectedReason<ShownRow>, i: number): Html {
  const shown = examples.length < count ? `The first ${examples.length} of them` : 'All of them'
  return html`<details ${i < OPEN_REASONS ? new Html('open') : undefined}>
    <summary>
      <strong>${whole(count)}</strong>
      <span class="value" dir="auto">${code}: ${reason}</span>
    </summary>
    ${advice === '' ? undefined : html`<p>What to do: ${advice}</p>`}
    ${rowTable(`${shown}: ${code}: ${reason}`, examples)}
  </details>`
}

function sampleOf(sample: readonly ShownRow[], rows: number): Html {
  const drawn = `${whole(sample.length)} of ${whole(rows)} rows, drawn at random. The same output gives the same sample.`
  const all = rows === 1 ? 'The only row.' : `All ${whole(rows)} rows.`
  return rowTable(sample.length < rows ? drawn : all, sample)
}

function rowTable(caption: string, rows: readonly ShownRow[]): Html {
  const names = [...new Set(rows.flatMap(({ cells }) => [...cells.keys()]))]
  const shown = names.length > MOST_COLUMNS ? names.slice(0, MOST_COLUMNS - 1) : names
  const rest = names.slice(shown.length)
  const columns: Column<ShownRow>[] = [
    { name: 'row', kind: 'number', cell: ({ at }) => whole(at) },
    ...shown.map((name) => ({
      name,
      cell: ({ cells }: ShownRow) => cellOf(cells.get(name)),
    })),
    ...(rest.length > 0 ? [{ name: `${rest.length} more columns`, cell: moreOf(rest) }] : []),
    ...(rows.some(({ error }) => error !== undefined)
      ? [
          {
            name: 'rejected because of',
            cell: ({ error = '' }: ShownRow) => html`<span class="error" dir="auto">${error}</span>`,
          },
        ]
      : []),
    ...(rows.some(({ raw }) => raw !== undefined)
      ? [{ name: 'the model wrote', cell: ({ raw }: ShownRow) => cellOf(raw) }]
      : []),
  ]
  return table(caption, columns, rows)
}

/** A row may have no value in a column of another row. A table has an empty cell there. */
const cellOf = (text: string | undefined): Html | undefined =>
  text === undefined || text === '' ? undefined : valueOf(text)

const moreOf =
  (names: readonly string[]) =>
  ({ cells }: ShownRow): Html =>
    valueOf(names.flatMap((name) => (cells.has(name) ? [`${name}: ${cells.get(name)}`] : [])).join('\n'))
