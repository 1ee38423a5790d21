import type { RunRecord } from '../measure/run-record.ts'
import { whole } from '../terminal/words.ts'
import { resultSections, sampleSections } from './contents-sections.ts'
import type { Contents } from './contents.ts'
import { html, Html } from './html.ts'
import { shownTime, tiles } from './parts.ts'
import { runSections, settingsSections } from './run-sections.ts'
import { style } from './style.ts'
import { stateOf, totals } from './totals.ts'

/** What a page shows. */
export interface PageData {
  /** The name of the output. */
  readonly name: string
  readonly madeAt: Date
  readonly version: string
  /** The runs that wrote the output, the last one at the end. */
  readonly runs: readonly RunRecord[]
  readonly contents: Contents
  /** What a reader must know about the data. */
  readonly notes: readonly string[]
}

/** Shows that a file is a report, which another report may replace. */
export const MARKER = '<meta name="generator" content="llm-pack-stream report">'

/** The page loads nothing and runs nothing, whatever a record or a model wrote. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

/** Makes the page: HTML that needs no other file. */
export async function makePage(data: PageData): Promise<string> {
  const charts = await import('./charts.ts')
  const { name, madeAt, version, runs, contents } = data
  const notes = [...data.notes, ...notesOn(name, runs.at(-1), contents)]
  const sections = [
    ...resultSections(contents, charts),
    ...runSections(runs, charts),
    ...sampleSections(contents),
    ...settingsSections(runs),
  ]
  const state = stateOf(runs.at(-1), contents)
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        ${new Html(MARKER)}
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${name}: report of a run</title>
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the results</a>
        <header>
          <p class="kind">Report of a run</p>
          <h1><bdi>${name}</bdi></h1>
          <p class="state ${state.kind}"><strong>${state.title}</strong> ${state.text}</p>
          ${notes.map((note) => html`<p class="note">${note}</p>`)} ${tiles(totals(runs, contents))}
        </header>
        <nav aria-label="On this page">
          <ul>
            ${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}
          </ul>
        </nav>
        <main id="main">
          ${sections.map(
            ({ id, title, body }) =>
              html`<section aria-labelledby="${id}">
                <h2 id="${id}">${title}</h2>
                ${body}
              </section> `,
          )}
        </main>
        <footer>
          Made by llm-pack-stream ${version} on ${shownTime(madeAt)}. This page needs no network, and has no
          script.
        </footer>
      </body>
    </html> `.text
}

function notesOn(
  name: string,
  run: RunRecord | undefined,
  { rejected, unreadable, isJournal }: Contents,
): string[] {
  const hidden = (run?.records.rejected ?? 0) - rejected
  return [
    ...(isJournal
      ? [
          `No run has finished ${name} yet. These are the rows of ${name}.run.jsonl, where a run keeps them until then.`,
        ]
      : []),
    ...(hidden > 0 ? [`Rejected records without a row in the output: ${whole(hidden)}.`] : []),
    ...(unreadable > 0 ? [`Rows of the output that cannot be read: ${whole(unreadable)}.`] : []),
  ]
}
