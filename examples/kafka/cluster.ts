const { KAFKA_BROKERS = '' } = process.env

/** Addresses of the form `host:port`. */
export const brokers = (KAFKA_BROKERS.trim() === '' ? 'localhost:9092' : KAFKA_BROKERS)
  .split(',')
  .map((broker) => broker.trim())

/** The topics and their numbers of partitions. Each worker needs a partition of its own. */
export const partitions = { tickets: 6, 'ticket-labels': 6, 'ticket-rejects': 1 }

/** Prints lines. On a terminal it keeps a line below them that changes. */
export class Screen {
  readonly #terminal = process.stdout.isTTY

  say(line: string): void {
    this.update('')
    console.log(`${new Date().toLocaleTimeString('en-GB')} ${line}`)
  }

  update(line: string): void {
    if (this.#terminal) process.stdout.write(`\r\x1b[K${line.slice(0, process.stdout.columns - 1)}`)
  }

  /** Says what went wrong and what a person can do, without a stack. */
  fail(error: unknown, advice: string): void {
    this.update('')
    console.error(`${explain(error)}\n${advice}`)
    process.exitCode = 1
  }
}

/** The top of the client's error says little: the cause is inside. */
function explain(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return explain(error.errors.at(-1))
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message} ${explain(error.cause)}`
}
