const { KAFKA_BROKERS = '' } = process.env

/** `host:port`, several with commas in between. */
export const brokers = (KAFKA_BROKERS.trim() === '' ? 'localhost:9092' : KAFKA_BROKERS)
  .split(',')
  .map((broker) => broker.trim())

/** The topics, and how many partitions each is to have: as many workers at most can share the work. */
export const partitions = { tickets: 6, 'ticket-labels': 6, 'ticket-rejects': 1 }

/** A line that stays, and below it, on a terminal, one that changes. */
export class Screen {
  readonly #terminal = process.stdout.isTTY

  say(line: string): void {
    this.update('')
    console.log(`${new Date().toLocaleTimeString('en-GB')} ${line}`)
  }

  update(line: string): void {
    if (this.#terminal) process.stdout.write(`\r\x1b[K${line.slice(0, process.stdout.columns - 1)}`)
  }

  /** Ends with what a person can do about it, without a stack. */
  fail(error: unknown, advice: string): void {
    this.update('')
    console.error(`${explain(error)}\n${advice}`)
    process.exitCode = 1
  }
}

/** What the client throws says little at the top: the cause is inside. */
function explain(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return explain(error.errors.at(-1))
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message} ${explain(error.cause)}`
}
