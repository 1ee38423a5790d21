import { html, Html } from './html.ts'
import { shownTime, tiles, type Section, type Tile } from './parts.ts'
import { style } from './style.ts'

/** The most important fact of a page. */
export interface State {
  readonly kind: 'good' | 'part' | 'bad'
  readonly title: string
  readonly text: string
}

/** What all pages have in common. */
export interface Shell {
  /** What the page is: `Report of a run`. */
  readonly kind: string
  readonly name: string
  readonly state: State
  readonly notes: readonly string[]
  readonly tiles: readonly Tile[]
  readonly sections: readonly Section[]
  readonly madeAt: Date
  readonly version: string
}

/** Shows that a file is a report, which another report may replace. */
export const MARKER = '<meta name="generator" content="llm-pack-stream report">'

/** The page loads nothing and runs nothing, whatever a record or a model wrote. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

/** Makes a page: HTML that needs no other file. */
export function pageIn({ kind, name, state, notes, sections, madeAt, version, ...shell }: Shell): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        ${new Html(MARKER)}
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${name}: ${kind.replace(/^[A-Z]/, (letter) => letter.toLowerCase())}</title>
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the results</a>
        <header>
          <p class="kind">${kind}</p>
          <h1><bdi>${name}</bdi></h1>
          <p class="state ${state.kind}"><strong>${state.title}</strong> ${state.text}</p>
          ${notes.map((note) => html`<p class="note">${note}</p>`)} ${tiles(shell.tiles)}
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
