import stringWidth from 'string-width'
import type { LabelOutcome, Measured } from './labelling.ts'

/** Prints results. On a terminal it keeps a line below them that says how far the job is. */
export class Progress {
  readonly #terminal = process.stdout.isTTY
  readonly #total: number

  constructor(total: number) {
    this.#total = total
  }

  /** Prints one line for an outcome. */
  result(outcome: LabelOutcome): void {
    const { request = 0, position = 0, size = 0 } = outcome.pack ?? {}
    const columns = [
      describe(outcome).padEnd(26),
      // A narrow terminal has no room for this.
      this.#width < 80 ? '' : `pack ${request}, ${position} of ${size}`.padEnd(19),
      outcome.record.text.replace(/\s+/g, ' '),
    ]
    const line = fit(columns.join(''), this.#width - 1)
    process.stdout.write(this.#terminal ? `\r\x1b[K${line}\n` : `${line}\n`)
  }

  /** Writes the line below. */
  update({ records, elapsed, inFlight, tokens, cost }: Measured): void {
    if (!this.#terminal) return
    const parts = [
      `${records}/${this.#total} records`,
      `${(records / (elapsed / 1000)).toFixed(0)}/s`,
      dollars(cost),
      `${inFlight} in flight`,
      `${count(tokens.input + tokens.output)} tokens`,
    ]
    // It leaves out whole parts: half a number is a wrong number.
    while (parts.join('  ').length >= this.#width) parts.pop()
    process.stdout.write(`\r\x1b[K${parts.join('  ')}`)
  }

  /** Removes the line below. */
  end(): void {
    if (this.#terminal) process.stdout.write('\r\x1b[K')
  }

  get #width(): number {
    return this.#terminal ? process.stdout.columns : 110
  }
}

function describe(outcome: LabelOutcome): string {
  if (outcome.status === 'rejected') return `! ${outcome.reason.code} `
  return `${outcome.value.label === outcome.record.label ? '✓' : '✗'} ${outcome.value.label} `
}

/** The jobs side by side, as a table. */
export function table(jobs: Readonly<Record<string, Measured>>): string {
  const rows: [string, (job: Measured) => string][] = [
    ['records', ({ fulfilled, records }) => `${fulfilled} of ${records}`],
    ['requests', ({ requests }) => count(requests)],
    ['time', ({ elapsed }) => `${(elapsed / 1000).toFixed(2)} s`],
    ['first result after', ({ timeToFirstResult }) => `${(timeToFirstResult / 1000).toFixed(2)} s`],
    ['records per second', ({ records, elapsed }) => (records / (elapsed / 1000)).toFixed(1)],
    ['input tokens', ({ tokens }) => count(tokens.input)],
    ['  of them cached', ({ tokens }) => count(tokens.cached)],
    ['output tokens', ({ tokens }) => count(tokens.output)],
    ['cost', ({ cost }) => dollars(cost)],
    ['accuracy', ({ correct, records }) => `${((100 * correct) / records).toFixed(1)}%`],
  ]
  const lines = [
    ['', ...Object.keys(jobs)],
    ...rows.map(([name, cell]) => [name, ...Object.values(jobs).map(cell)]),
  ]
  return lines
    .map(([name = '', ...cells]) => name.padEnd(20) + cells.map((cell) => cell.padStart(22)).join(''))
    .join('\n')
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function dollars(value: number): string {
  return `$${value.toFixed(4)}`
}

const graphemes = new Intl.Segmenter()

/** Cuts a line to a number of columns. Letters of some scripts and emoji take two columns. */
function fit(line: string, columns: number): string {
  let fitting = ''
  let width = 0
  for (const { segment } of graphemes.segment(line)) {
    width += stringWidth(segment)
    if (width > columns - 1) return `${fitting}…`
    fitting += segment
  }
  return fitting
}
