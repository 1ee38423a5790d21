import { Readable } from 'node:stream'
import { Fetcher } from './fetcher.ts'
import { GroupMember } from './group-member.ts'
import { OffsetTracker } from './offset-tracker.ts'
import { resolveSource, type KafkaSourceOptions } from './options.ts'
import { Session } from './session.ts'

/**
 * Reads topics as a member of a consumer group: an object-mode `Readable` of `KafkaRecord`s, of whichever partitions the group
 * gives to this member. The records of a partition come in order, from where the group has committed.
 *
 * It ends after `stop()`. Its end is not the end of the membership, since what has been read is still to be finished and
 * committed: call `leave()` for that, after `pipeline()`, whether it failed or not.
 */
export class KafkaSource extends Readable {
  /** To be told which records are finished: only those are committed, and only so many may be unfinished. */
  readonly tracker: OffsetTracker
  readonly #session: Session
  readonly #member: GroupMember
  readonly #fetcher: Fetcher
  #isStopped = false
  #isTaking = false
  #running: Promise<void> | undefined

  /** @throws {TypeError | RangeError} For a bad option: the message names it, says what it should be, and what it is. */
  constructor(options: KafkaSourceOptions) {
    const resolved = resolveSource(options)
    // What is buffered here counts as read.
    super({ objectMode: true, highWaterMark: 1 })
    const { connection, maxUncommitted, maxPartitionBytes, onEvent } = resolved
    this.tracker = new OffsetTracker({ maxUncommitted })
    this.#session = new Session(onEvent, (error) => this.destroy(error))
    this.#fetcher = new Fetcher(connection, maxPartitionBytes, this.tracker, this.#session)
    this.#member = new GroupMember(resolved, this.tracker, this.#fetcher, this.#session)
  }

  /** Reads no more: what has been read is the last. */
  stop(): void {
    this.#isStopped = true
    this.tracker.change.notify()
  }

  /**
   * Commits what is finished, and leaves the group, so that other members take over at once.
   *
   * @throws {Error} If it cannot commit: what has been finished since the last time will be done again.
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
