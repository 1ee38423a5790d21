import type { KafkaCluster } from './kafka.ts'

export interface Topics {
  readonly input: string
  readonly groupId: string
  /** The topics for outcomes. */
  readonly outputs: readonly string[]
}

/** Records which records have an outcome, and checks that no other record is committed. */
export class Ledger {
  readonly #cluster: KafkaCluster
  readonly #topics: Topics
  /** The offset up to which each partition has been read, by topic. */
  readonly #read = new Map<string, bigint[]>()
  /** The records with an outcome in each topic, as `topic:partition:offset`. */
  readonly #seen = new Map<string, Set<string>>()
  checks = 0
  duplicates = 0

  constructor(cluster: KafkaCluster, topics: Topics) {
    this.#cluster = cluster
    this.#topics = topics
  }

  seen(output: string): ReadonlySet<string> {
    return this.#seen.get(output) ?? new Set()
  }

  /**
   * Takes a snapshot: first of the committed offsets, and then of the ends of the outputs. Reads
   * the outputs up to these ends, so it sees every outcome that came before the commit. Returns
   * whether the group has finished its input.
   *
   * @throws {Error} If a committed offset is past a record without an outcome.
   */
  async check(): Promise<boolean> {
    const { input, groupId, outputs } = this.#topics
    const ends = await this.#cluster.endOffsets(input)
    const committed = await this.#cluster.committedOffsets(groupId, input)
    for (const output of outputs) await this.#readOn(output)
    for (const [partition, next] of committed.entries()) {
      for (let offset = 0n; offset < next; offset += 1n) {
        const id = `${input}:${partition}:${offset}`
        if (outputs.some((output) => this.seen(output).has(id))) continue
        throw new Error(`Offset ${next} of partition ${partition} is committed, but ${id} has no outcome.`)
      }
    }
    this.checks += 1
    return committed.every((offset, partition) => offset === ends[partition])
  }

  async #readOn(output: string): Promise<void> {
    const ends = await this.#cluster.endOffsets(output)
    const from = this.#read.get(output) ?? ends.map(() => 0n)
    const seen = this.#seen.get(output) ?? new Set()
    for (const { key } of await this.#cluster.readAll(output, ends, from)) {
      if (seen.has(key ?? '')) this.duplicates += 1
      seen.add(key ?? '')
    }
    this.#read.set(output, ends)
    this.#seen.set(output, seen)
  }
}
