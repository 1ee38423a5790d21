import { stripVTControlCharacters } from 'node:util'
import type { Io } from '../io.ts'
import { money, whole } from '../terminal/words.ts'
import type { LabelOutcome } from './in-packs.ts'
import type { Measured } from './labelled.ts'

/** Columns of a line that goes to no terminal. */
const PIPE_COLUMNS = 110
/** Width from which a terminal has room for the place of a record in its pack. */
const WIDE_COLUMNS = 80

/** Prints results. On a terminal it keeps a line below them that says how far the job is. */
export class Screen {
  readonly #stdout: Io['stdout']
  readonly #total: number

  constructor({ stdout }: Io, total: number) {
    this.#stdout = stdout
    this.#total = total
  }

  /** Prints a text above the line. */
  print(text: string): void {
    this.#stdout.write(`${this.#start}${text}\n`)
  }

  /** Prints a line for an outcome. */
  result(outcome: LabelOutcome): void {
    const { request = 0, position = 0, size = 0 } = outcome.pack ?? {}
    const place = this.#columns < WIDE_COLUMNS ? '' : `pack ${request}, ${position} of ${size}`.padEnd(19)
    const text = stripVTControlCharacters(outcome.record.text).replace(/\s+/g, ' ')
    this.print(fit(`${describe(outcome).padEnd(26)}${place}${text}`, this.#columns - 1))
  }

  /** Draws the line. */
  update({ records, elapsed, inFlight, tokens, cost }: Measured): void {
    if (!this.#stdout.isTTY) return
    const parts = [
      `${records}/${this.#total} records`,
      `${(records / (elapsed / 1_000)).toFixed(0)}/s`,
      ...(cost === undefined ? [] : [money(cost)]),
      `${inFlight} in flight`,
      `${whole(tokens.input + tokens.output)} tokens`,
    ]
    // It leaves out whole parts: half a number is a wrong number.
    while (parts.join('  ').length >= this.#columns) parts.pop()
    this.#stdout.write(`${this.#start}${parts.join('  ')}`)
  }

  /** Removes the line. */
  end(): void {
    this.#stdout.write(this.#start)
  }

  get #start(): string {
    return this.#stdout.isTTY ? '\r\x1b[K' : ''
  }

  get #columns(): number {
    const { isTTY, columns = 0 } = this.#stdout
    return isTTY && columns > 0 ? columns : PIPE_COLUMNS
  }
}

function describe(outcome: LabelOutcome): string {
  if (outcome.status === 'rejected') return `! ${outcome.reason.code} `
  return `${outcome.value.label === outcome.record.label ? '✓' : '✗'} ${outcome.value.label} `
}

/** The jobs side by side. */
export function table(jobs: Readonly<Record<string, Measured>>): string {
  const rows: [string, (job: Measured) => string][] = [
    ['records', ({ fulfilled, records }) => `${fulfilled} of ${records}`],
    ['requests', ({ requests }) => whole(requests)],
    ['time', ({ elapsed }) => seconds(elapsed)],
    ['first result after', ({ timeToFirstResult }) => seconds(timeToFirstResult)],
    ['records per second', ({ records, elapsed }) => (records / (elapsed / 1_000)).toFixed(1)],
    ['input tokens', ({ tokens }) => whole(tokens.input)],
    ['  of them cached', ({ tokens }) => whole(tokens.cached)],
    ['output tokens', ({ tokens }) => whole(tokens.output)],
    ['cost', ({ cost }) => (cost === undefined ? 'not known' : money(cost))],
    ['label as in the file', ({ same, records }) => `${((100 * same) / records).toFixed(1)}%`],
  ]
  const lines = [
    ['', ...Object.keys(jobs)],
    ...rows.map(([name, cell]) => [name, ...Object.values(jobs).map(cell)]),
  ]
  return lines
    .map(([name = '', ...cells]) => name.padEnd(20) + cells.map((cell) => cell.padStart(22)).join(''))
    .join('\n')
}

function seconds(milliseconds: number): string {
  return Number.isNaN(milliseconds) ? '-' : `${(milliseconds / 1_000).toFixed(2)} s`
}

const graphemes = new Intl.Segmenter()
/** Characters of two columns: emoji, and the scripts of East Asia. */
const WIDE =
  /[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\uFE0F\uFF01-\uFF60]/u

/** Cuts a line to a number of columns. */
export function fit(line: string, columns: number): string {
  let fitting = ''
  let width = 0
  for (const { segment } of graphemes.segment(line)) {
    width += WIDE.test(segment) ? 2 : 1
    if (width > columns - 1) return `${fitting}…`
    fitting += segment
  }
  return fitting
}
