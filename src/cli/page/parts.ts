import { start } from './value-text.ts'
import { html, Html, type Part } from './html.ts'

/** A part of a page with a heading. */
export interface Section {
  readonly id: string
  readonly title: string
  readonly body: Html
}

/** A column of a table. The cell in the first column is the name of its row. */
export interface Column<T> {
  readonly name: string
  readonly cell: (row: T, at: number) => Part
  /** A number stands at the end of its cell, and on one line. */
  readonly kind?: 'number' | undefined
}

const NUMBER = new Html(' class="n"')

export function table<T>(caption: string, columns: readonly Column<T>[], rows: readonly T[]): Html {
  const head = columns.map(
    ({ name, kind }) =>
      html`<th scope="col" ${kind === 'number' ? NUMBER : undefined}><bdi>${name}</bdi></th>`,
  )
  const body = rows.map(
    (row, at) =>
      html`<tr>
        ${columns.map((column, i) => cellOf(column, row, at, i === 0))}
      </tr> `,
  )
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}">
    <table>
      <caption>
        <span>${caption}</span>
      </caption>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`
}

function cellOf<T>({ cell, kind }: Column<T>, row: T, at: number, isFirst: boolean): Html {
  const part = cell(row, at)
  const numbers = kind === 'number' ? NUMBER : undefined
  return isFirst ? html`<th scope="row" ${numbers}>${part}</th>` : html`<td ${numbers}>${part}</td>`
}

/** Text that a cell shows at once, in characters. */
const SHOWN = 160
/** Text that stays on one line, in characters. */
const SHORT = 28

/** A text of a record or a model. A long text opens. */
export function valueOf(text: string): Html {
  if (text === '') return html`<span class="soft">(empty)</span>`
  if (text.length <= SHORT && !text.includes('\n')) return html`<bdi class="short">${text}</bdi>`
  if (text.length <= SHOWN) return html`<div class="value" dir="auto">${text}</div>`
  const head = start(text, SHOWN)
  return html`<details>
    <summary><span class="value" dir="auto">${head}…</span></summary>
    <div class="value" dir="auto">${text.slice(head.length)}</div>
  </details>`
}

export interface Tile {
  readonly name: string
  readonly value: string
  readonly more?: string | undefined
}

export function tiles(all: readonly Tile[]): Html {
  return html`<dl class="tiles">
    ${all.map(
      ({ name, value, more }) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}${more === undefined ? undefined : html`<small>${more}</small>`}</dd>
        </div>`,
    )}
  </dl>`
}

export interface Figure {
  readonly title: string
  /** What the chart shows, in a sentence. */
  readonly description: string
  /** The names of the series, in the order of the colours, if there are several. */
  readonly keys?: readonly string[] | undefined
  /** Makes the SVG of the chart. */
  readonly draw: () => string
  readonly numbers: Html
}

/** @param id Different for each figure of the page. */
export function figure(id: string, { title, description, keys = [], draw, numbers }: Figure): Html {
  const describedBy = `${id}-about`
  const labelled = html`<svg role="img" aria-label="${title}" aria-describedby="${describedBy}"`
  return html`<figure aria-labelledby="${id}">
    <figcaption>
      <h3 id="${id}"><bdi>${title}</bdi></h3>
      <p id="${describedBy}">${description}</p>
    </figcaption>
    ${
      keys.length > 1
        ? html`<ul class="keys">
            ${keys.map(key)}
          </ul>`
        : undefined
    }
    ${new Html(draw().replace('<svg', labelled.text))}
    <details>
      <summary>Numbers<span class="unseen"> of ${title}</span></summary>
      ${numbers}
    </details>
  </figure> `
}

const KEY_COLOURS = ['blue', 'orange', 'green']

function key(name: string, i: number): Html {
  const style = `fill: var(--${KEY_COLOURS[i] ?? 'ink'})`
  return html`<li>
    <svg viewBox="0 0 20 10" aria-hidden="true"><rect width="20" height="10" style="${style}" /></svg>${name}
  </li>`
}

/** `2026-11-30 18:05 UTC` */
export function shownTime(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
