import { Readable } from 'node:stream'
import { Fetcher } from './fetcher.ts'
import { GroupMember } from './group-member.ts'
import { OffsetTracker } from './offset-tracker.ts'
import { resolveSource, type KafkaSourceOptions } from './options.ts'
import { Session } from './session.ts'

/**
 * Reads topics as a member of a consumer group: an object-mode `Readable` of `KafkaRecord`s from
 * the partitions that the group assigns to this member. The records of a partition come in order,
 * and start at the offset that the group has committed.
 *
 * The stream ends after `stop()`. The membership does not end then, because the records that were
 * read must still be finished and committed. After `pipeline()` has succeeded or failed, call
 * `leave()`.
 */
export class KafkaSource extends Readable {
  /**
   * Tell the tracker which records are finished. The source commits only finished records, and
   * reads no more while too many records are uncommitted.
   */
  readonly tracker: OffsetTracker
  readonly #session: Session
  readonly #member: GroupMember
  readonly #fetcher: Fetcher
  #isStopped = false
  #isTaking = false
  #running: Promise<void> | undefined

  /**
   * @throws {TypeError | RangeError} For a bad option. The message names the option, the expected
   *   value and the given value.
   */
  constructor(options: KafkaSourceOptions) {
    const resolved = resolveSource(options)
    // Records in this buffer count as read, so it is small.
    super({ objectMode: true, highWaterMark: 1 })
    const { connection, maxUncommitted, maxPartitionBytes, onEvent } = resolved
    this.tracker = new OffsetTracker({ maxUncommitted })
    this.#session = new Session(onEvent, (error) => this.destroy(error))
    this.#fetcher = new Fetcher(connection, maxPartitionBytes, this.tracker, this.#session)
    this.#member = new GroupMember(resolved, this.tracker, this.#fetcher, this.#session)
  }

  /** Whether the group has finished records of the partitions of this member before. */
  get isContinued(): boolean {
    return this.#member.isContinued
  }

  /** Stops reading. Records that were read before are still delivered. */
  stop(): void {
    this.#isStopped = true
    this.tracker.change.notify()
  }

  /**
   * Commits the finished offsets and leaves the group, so that other members take over at once.
   *
   * @throws {Error} If the commit failed. Then the records that were finished after the last commit
   *   are processed again.
   */
  async leave(): Promise<void> {
    this.destroy()
    try {
      await this.#member.leave()
    } finally {
      await this.#fetcher.close()
      await this.#running
    }
  }

  override _read(): void {
    if (!this.#isStopped) this.#running ??= this.#run()
    if (!this.#isTaking) void this.#take()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.stop()
    callback(error)
  }

  async #run(): Promise<void> {
    try {
      await this.#member.join()
    } catch (error) {
      this.destroy(error as Error)
      return
    }
    await this.#fetcher.run()
  }

  /** Takes records until the stream has enough. */
  async #take(): Promise<void> {
    this.#isTaking = true
    for (;;) {
      const changed = this.tracker.change.wait()
      if (this.#isStopped) {
        this.push(null)
        break
      }
      const record = this.#fetcher.take()
      if (record && !this.push(record)) break
      if (!record) await changed
    }
    this.#isTaking = false
  }
}
