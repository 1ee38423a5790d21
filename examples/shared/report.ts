import type { Stats } from 'llm-pack-stream'
import type { LabelOutcome, Labelled, Measured } from './labelling.ts'

/** Prints each outcome, and below them, on a terminal, a line that says how far the job is. */
export class Progress {
  readonly #terminal = process.stdout.isTTY
  readonly #start = performance.now()
  readonly #total: number

  constructor(total: number) {
    this.#total = total
  }

  show(outcome: LabelOutcome<Labelled>, stats: Stats): void {
    const { record } = outcome
    const result =
      outcome.status === 'fulfilled'
        ? `${outcome.value.label === record.label ? '✓' : '✗'} ${outcome.value.label}`
        : `! ${outcome.reason.code}`
    const { request = 0, position = 0, size = 0 } = outcome.pack ?? {}
    const where = `pack ${request}, ${position} of ${size}`
    this.#print(`${result.padEnd(26)} ${where.padEnd(18)} ${shorten(record.text, this.#width - 48)}`)
    this.#printLine(stats)
  }

  /** Takes the progress line away. */
  end(): void {
    if (this.#terminal) process.stdout.write('\r\x1b[K')
  }

  get #width(): number {
    return this.#terminal ? process.stdout.columns : 110
  }

  #print(line: string): void {
    process.stdout.write(this.#terminal ? `\r\x1b[K${line}\n` : `${line}\n`)
  }

  #printLine({ records, inFlight, tokens, cost }: Stats): void {
    if (!this.#terminal) return
    const done = records.fulfilled + records.rejected
    const rate = done / ((performance.now() - this.#start) / 1000)
    const line =
      `${done}/${this.#total} records  ${rate.toFixed(0)}/s  ${inFlight} packs in flight  ` +
      `${count(tokens.input + tokens.output)} tokens  ${dollars(cost ?? 0)}`
    process.stdout.write(line.slice(0, this.#width - 1))
  }
}

/** The jobs side by side, as a table. */
export function table(jobs: Readonly<Record<string, Measured>>): string {
  const rows: [string, (job: Measured) => string][] = [
    ['records', ({ stats }) => `${stats.records.fulfilled} of ${stats.records.read}`],
    ['requests', ({ stats }) => count(stats.requests)],
    ['time', ({ elapsed }) => `${(elapsed / 1000).toFixed(2)} s`],
    ['first result after', ({ timeToFirstResult }) => `${(timeToFirstResult / 1000).toFixed(2)} s`],
    ['records per second', ({ stats, elapsed }) => (stats.records.read / (elapsed / 1000)).toFixed(1)],
    ['input tokens', ({ stats }) => count(stats.tokens.input)],
    ['  of them cached', ({ stats }) => count(stats.tokens.cached)],
    ['output tokens', ({ stats }) => count(stats.tokens.output)],
    ['cost', ({ stats }) => dollars(stats.cost ?? 0)],
    ['accuracy', ({ stats, correct }) => `${((100 * correct) / stats.records.read).toFixed(1)}%`],
  ]
  const lines = [
    ['', ...Object.keys(jobs)],
    ...rows.map(([name, cell]) => [name, ...Object.values(jobs).map(cell)]),
  ]
  return lines
    .map(([name = '', ...cells]) => name.padEnd(22) + cells.map((cell) => cell.padStart(24)).join(''))
    .join('\n')
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function dollars(value: number): string {
  return `$${value.toFixed(4)}`
}

function shorten(text: string, width: number): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > width ? `${line.slice(0, Math.max(0, width - 1))}…` : line
}
