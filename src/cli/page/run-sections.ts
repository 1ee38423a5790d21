import type { RunRecord } from '../measure/run-record.ts'
import { clock, money, tenths, whole } from '../terminal/words.ts'
import type * as Charts from './charts.ts'
import { html, type Html } from './html.ts'
import { checkSections } from './check-section.ts'
import { figure, shownTime, table, type Column, type Section } from './parts.ts'
import { runFigures } from './run-figures.ts'

/** The sections that show the work of the last run. */
export function runSections(runs: readonly RunRecord[], charts: typeof Charts): Section[] {
  const last = runs.at(-1)
  if (!last) return []
  const figures = runFigures(last, charts)
  const which = runs.length > 1 ? ' of the last run' : ''
  return [
    ...(figures.length > 0
      ? [
          {
            id: 'speed',
            title: `Speed and cost${which}`,
            body: html`<div class="figures">${figures.map((one, i) => figure(`run-${i}`, one))}</div>`,
          },
        ]
      : []),
    ...checkSections(last, which),
    { id: 'problems', title: `Retries and waits${which}`, body: problemsOf(last) },
  ]
}

/** The sections that show how the runs were made. */
export function settingsSections(runs: readonly RunRecord[]): Section[] {
  const last = runs.at(-1)
  if (!last) return []
  const isOnly = runs.length === 1
  return [
    { id: 'settings', title: isOnly ? 'Settings' : 'Settings of the last run', body: settingsOf(last) },
    ...(isOnly ? [] : [{ id: 'runs', title: 'All runs', body: runsOf(runs) }]),
  ]
}

const NUMBERS = { kind: 'number' } as const

/** Why tokens bought no result. The keys are codes of the library. */
const WASTE: Readonly<Record<string, string>> = {
  invalid: 'a result did not match the schema',
  missing: 'an answer had no result for a record',
  repeated: 'a result came twice',
  unknown: 'a result had an id that was not asked',
  length: 'an answer was cut at the output cap',
  refusal: 'the model refused',
  content_filter: 'the content filter of the provider stopped an answer',
  timeout: 'an answer missed a time limit',
  runaway: 'an answer did not end',
  failure: 'a request failed',
}

function problemsOf({ reasons: { retried, waited }, tokens }: RunRecord): Html {
  const wasted = Object.entries(tokens.wasted).filter(([, count]) => count > 0)
  if (retried.length + waited.length + wasted.length === 0) {
    return html`<p>Each request brought all its results, and nothing had to wait.</p>`
  }
  const tables = [
    table(
      'Requests that left records without a result',
      [
        { name: 'reason', cell: ({ reason }) => reason },
        { ...NUMBERS, name: 'requests', cell: ({ count }) => whole(count) },
      ],
      retried,
    ),
    table(
      'Pauses, in which no request was sent',
      [
        { name: 'reason', cell: ({ reason }) => reason },
        { ...NUMBERS, name: 'pauses', cell: ({ count }) => whole(count) },
        { ...NUMBERS, name: 'seconds in all', cell: ({ seconds }) => tenths(seconds) },
      ],
      waited,
    ),
    table(
      'Tokens that bought no result',
      [
        { name: 'reason', cell: ([cause]) => (Object.hasOwn(WASTE, cause) ? WASTE[cause] : cause) },
        { ...NUMBERS, name: 'tokens', cell: ([, count]) => whole(count) },
      ],
      wasted,
    ),
  ]
  return html`${tables.filter((_, i) => [retried, waited, wasted][i]?.length)}`
}

function settingsOf({ command, settings, startedAt, version, server }: RunRecord): Html {
  const rows = [
    ['started', shownTime(new Date(startedAt))],
    ['server', server],
    ...Object.entries(settings),
    ['llm-pack-stream', version],
  ]
  return html`<p>The command. Keys and passwords are left out.</p>
    <pre><code>${command}</code></pre>
    ${table(
      'Settings',
      [
        { name: 'setting', cell: ([name]) => name },
        {
          name: 'value',
          cell: ([, value]) => html`<span class="value" dir="auto">${value}</span>`,
        },
      ],
      rows,
    )}`
}

function runsOf(runs: readonly RunRecord[]): Html {
  const columns: Column<RunRecord>[] = [
    { name: 'started', cell: ({ startedAt }) => shownTime(new Date(startedAt)) },
    { name: 'end', cell: ({ status, exitCode }) => `${status}, exit code ${exitCode}` },
    { name: 'time', kind: 'number', cell: ({ seconds }) => clock(seconds) },
    { name: 'records', kind: 'number', cell: ({ records: { done, earlier } }) => whole(done - earlier) },
    { name: 'requests', kind: 'number', cell: ({ requests }) => whole(requests.sent) },
    { name: 'input tokens', kind: 'number', cell: ({ tokens }) => whole(tokens.input) },
    { name: 'output tokens', kind: 'number', cell: ({ tokens }) => whole(tokens.output) },
    { name: 'cost', kind: 'number', cell: ({ cost }) => (cost === undefined ? '' : money(cost)) },
    {
      name: 'command',
      cell: ({ command }) =>
        html`<details>
          <summary>show</summary>
          <code class="value">${command}</code>
        </details>`,
    },
  ]
  return table(`${whole(runs.length)} runs wrote this output`, columns, runs)
}
