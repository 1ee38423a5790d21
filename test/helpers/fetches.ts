import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'

const CHANNEL = 'tracing:plt:kafka:connections:api:start'
/** The number of a fetch in the protocol. */
const FETCH = 1
/** Pauses without a fetch after which no more fetches are expected, and their length. */
const [PAUSES, PAUSE_MS] = [20, 50]

/** Counts the fetches that the Kafka clients of this process begin. */
export class Fetches implements Disposable {
  count = 0
  readonly #add = (message: unknown): void => {
    if ((message as { apiKey: number }).apiKey === FETCH) this.count += 1
  }

  constructor() {
    subscribe(CHANNEL, this.#add)
  }

  /**
   * Waits until no fetch has begun in many short pauses. The process handles answers between them,
   * so a process that gets no CPU for a second does not look quiet.
   */
  async quiet(): Promise<void> {
    for (let left = PAUSES; left > 0; left -= 1) {
      const before = this.count
      await sleep(PAUSE_MS)
      if (this.count > before) left = PAUSES + 1
    }
  }

  [Symbol.dispose](): void {
    unsubscribe(CHANNEL, this.#add)
  }
}
