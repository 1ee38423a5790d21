import { Consumer, type ConsumerGroupJoinPayload } from '@platformatic/kafka'
import { backoff } from '../base/backoff.ts'
import { sleep } from '../base/sleep.ts'
import { cooperativeStickyAssigner } from './assignor.ts'
import { baseOptions } from './connection.ts'
import { explain, isOutOfStep } from './errors.ts'
import { GroupOffsets } from './group-offsets.ts'
import type { OffsetTracker, TopicPartitionOffset } from './offset-tracker.ts'
import type { ResolvedSource } from './options.ts'
import type { Session } from './session.ts'
import { flatten, keyOf, type TopicPartition } from './topic-partition.ts'

/**
 * Extra time for requests that wait for a rebalance, in ms. They wait longer than the rebalance may
 * take.
 */
const REQUEST_MARGIN_MS = 10_000
/** Pause before a commit that the group did not accept is tried again, in ms. */
const RETRY_COMMIT_MS = 100
/**
 * Longest pause before another try to join, in ms. During the pause, other members have the
 * partitions.
 */
const MAX_PAUSE_MS = 5_000
/** Number of rebalances in a row for which a leaving member waits to commit. */
const MAX_ROUNDS = 4

/** Starts and stops the reading of partitions. */
export interface Reading {
  start(from: TopicPartitionOffset): void
  stop(partition: TopicPartition): void
}

/**
 * A member of a consumer group. It decides which partitions are read here, and commits the finished
 * offsets.
 */
export class GroupMember {
  readonly #options: ResolvedSource
  readonly #tracker: OffsetTracker
  readonly #reading: Reading
  readonly #session: Session
  readonly #offsets: GroupOffsets
  #client: Consumer
  #memberId: string | undefined
  #generation = -1
  #assigned: readonly TopicPartition[] = []
  #givingUp: Promise<void> | undefined
  #isRecovering = false

  constructor(options: ResolvedSource, tracker: OffsetTracker, reading: Reading, session: Session) {
    this.#options = options
    this.#tracker = tracker
    this.#reading = reading
    this.#session = session
    this.#offsets = new GroupOffsets(options, tracker)
    this.#client = this.#connect()
  }

  /**
   * @throws {Error} If the cluster cannot be reached, a topic is missing, or the group refuses the
   *   member.
   */
  async join(): Promise<void> {
    // The client for offsets does not retry, so it fails sooner.
    await this.#offsets.check()
    try {
      await this.#client.joinGroup({})
    } catch (cause) {
      if (!isOutOfStep(cause)) {
        throw new Error(`Could not join group '${this.#options.groupId}': ${explain(cause)}`, { cause })
      }
      // Other members came and went, so each try of the client met another rebalance.
      await this.#recover(cause)
    }
    void this.#keepCommitting()
  }

  get isContinued(): boolean {
    return this.#offsets.isContinued
  }

  /**
   * Commits the finished offsets and leaves the group, so that other members take over at once.
   *
   * @throws {Error} If the commit failed. Then the records that were finished after the last commit
   *   are processed again.
   */
  async leave(): Promise<void> {
    this.#session.end()
    this.#tracker.change.notify()
    try {
      await this.#commitAll()
    } catch (cause) {
      throw new Error(`Could not commit the last offsets: ${explain(cause)}`, { cause })
    } finally {
      // If the group does not hear of the end, it notices it after `sessionTimeout`.
      await Promise.allSettled([this.#client.close(true), this.#offsets.close()])
    }
  }

  #connect(): Consumer {
    const { groupId, topics, assignor, sessionTimeout, rebalanceTimeout, heartbeatInterval } = this.#options
    const cooperative = {
      partitionAssigner: cooperativeStickyAssigner,
      protocols: [{ name: 'cooperative-sticky', version: 3 }],
      // The client calls this function before each join to get user data. There is no user data,
      // but this is the only place where a join can be delayed.
      protocolsMetadata: () => this.#beforeJoin(client).then(() => Buffer.alloc(0)),
    }
    const client: Consumer = new Consumer({
      ...baseOptions(this.#options.connection),
      ...{ groupId, sessionTimeout, rebalanceTimeout, heartbeatInterval },
      requestTimeout: rebalanceTimeout + REQUEST_MARGIN_MS,
      ...(assignor === 'cooperative-sticky' ? cooperative : {}),
    })
    client.topics.trackAll(...topics)
    client.on('consumer:group:join', (round) => {
      if (client === this.#client) this.#onRound(round)
    })
    // The client emits this error when it cannot join again. Without a listener, the error would
    // end the process.
    client.on('error', (error) => {
      if (client === this.#client) void this.#recover(error)
    })
    client.on('consumer:heartbeat:error', ({ error }) => {
      this.#session.failed('send a heartbeat', error)
    })
    return client
  }

  /** A rebalance has ended. Its payload holds the partitions that this member has from now on. */
  #onRound({ memberId, generationId = -1, assignments = [] }: ConsumerGroupJoinPayload): void {
    if (this.#session.isOver) return
    const assigned = assignments.flatMap(flatten)
    const keys = new Set(assigned.map(keyOf))
    // If the group removed the member and accepted it as a new member, other members may have read
    // its partitions in between.
    const isNew = memberId !== this.#memberId
    this.#drop(this.#tracker.held.filter((one) => isNew || !keys.has(keyOf(one))))
    this.#memberId = memberId
    this.#generation = generationId
    this.#assigned = assigned
    this.#session.tell({ type: 'assigned', generation: generationId, partitions: assigned })
    void this.#startReading(generationId)
  }

  /**
   * Runs before the client asks for a rebalance without the partitions that it must give up. First
   * finishes and commits the records of these partitions, if there is time, so that no other member
   * asks for them again.
   */
  #beforeJoin(client: Consumer): Promise<void> {
    // The client calls this again after a failed join.
    this.#givingUp ??= this.#giveUp(client).finally(() => (this.#givingUp = undefined))
    return this.#givingUp
  }

  async #giveUp(client: Consumer): Promise<void> {
    const kept = this.#assignedTo(client)
    const leaving = this.#tracker.held.filter((one) => !kept.has(keyOf(one)))
    if (leaving.length === 0) return
    for (const partition of leaving) this.#reading.stop(partition)
    // Otherwise the group has removed this member, and other members already have the partitions.
    const isTold = client.memberId === this.#memberId && client.generationId !== this.#generation
    if (isTold) {
      this.#session.tell({ type: 'leaving', partitions: leaving })
      await this.#finish(leaving)
    }
    // A member that leaves the group commits all finished offsets itself.
    if (!this.#session.isOver) this.#drop(leaving)
  }

  /**
   * Waits until all records that were read of the partitions are finished and committed, or until
   * the time is over.
   */
  async #finish(partitions: readonly TopicPartition[]): Promise<void> {
    const end = new AbortController()
    const timeUp = sleep(this.#options.revokeTimeout, end.signal).then(() => {
      end.abort()
    })
    const isOpen = () => !end.signal.aborted && !this.#session.isOver
    while (isOpen() && partitions.some((one) => this.#tracker.uncommitted(one) > 0)) {
      const changed = this.#tracker.change.wait()
      const isFinished = partitions.every((one) => this.#tracker.unfinished(one) === 0)
      await Promise.race([isFinished ? this.#commit() : changed, timeUp])
    }
    end.abort()
  }

  /** Starts reading the new partitions at the committed offsets. */
  async #startReading(generation: number): Promise<void> {
    const isOver = () => this.#session.isOver || generation !== this.#generation
    for (let failures = 1; !isOver(); failures += 1) {
      const news = this.#assigned.filter((one) => !this.#tracker.isHeld(one))
      if (news.length === 0) return
      try {
        const starts = await this.#offsets.read(news)
        if (isOver()) return
        const kept = this.#assignedTo(this.#client)
        // Some of the partitions may already have to move to other members.
        for (const { isCommitted, ...start } of starts.filter((one) => kept.has(keyOf(one)))) {
          this.#tracker.hold(start, isCommitted)
          this.#reading.start(start)
        }
        return
      } catch (error) {
        this.#session.failed('read the committed offsets', error)
        await sleep(backoff(failures, Math.random), this.#session.signal)
      }
    }
  }

  #assignedTo({ assignments }: Consumer): Set<string> {
    return new Set((assignments ?? []).flatMap(flatten).map(keyOf))
  }

  #drop(partitions: readonly TopicPartition[]): void {
    if (partitions.length === 0) return
    const uncommitted = sum(partitions.map((one) => this.#tracker.uncommitted(one)))
    const unfinished = sum(partitions.map((one) => this.#tracker.unfinished(one)))
    for (const partition of partitions) {
      this.#reading.stop(partition)
      this.#tracker.release(partition)
    }
    this.#session.tell({ type: 'left', partitions, uncommitted, unfinished })
  }

  /**
   * Joins the group again. The client gives up after some time, and repeats some of its errors
   * forever. So after a failed try, a new client takes its place.
   */
  async #recover(cause: unknown): Promise<void> {
    if (this.#isRecovering) return
    this.#isRecovering = true
    this.#session.failed('join the group', cause)
    const { signal } = this.#session
    for (let failures = 1; ; failures += 1) {
      await sleep(Math.min(backoff(failures, Math.random), MAX_PAUSE_MS), signal)
      if (signal.aborted) break
      try {
        await this.#client.joinGroup({})
        break
      } catch (error) {
        this.#session.failed('join the group', error)
        const old = this.#client
        this.#client = this.#connect()
        old.close(true).catch(() => undefined)
      }
    }
    this.#isRecovering = false
  }

  async #keepCommitting(): Promise<void> {
    const { signal } = this.#session
    for (;;) {
      await sleep(this.#options.commitInterval, signal)
      if (signal.aborted) return
      await this.#commit()
    }
  }

  /**
   * Commits the finished offsets, or reports the failure. If the group is in a rebalance, the
   * commit is tried again after a short pause.
   */
  async #commit(): Promise<void> {
    try {
      if (await this.#offsets.commit(this.#client)) return
    } catch (error) {
      this.#session.failed('commit', error)
    }
    await sleep(RETRY_COMMIT_MS, this.#session.signal)
  }

  /**
   * Commits the finished offsets. If the group is in a rebalance, waits until it has ended, and
   * also for the rebalances that follow it.
   */
  async #commitAll(): Promise<void> {
    const end = Date.now() + MAX_ROUNDS * this.#options.rebalanceTimeout
    while (!(await this.#offsets.commit(this.#client))) {
      if (this.#client.memberId !== this.#memberId) throw new Error('the group has removed this member')
      if (Date.now() > end) throw new Error('the group was rebalancing all the time')
      await sleep(RETRY_COMMIT_MS, new AbortController().signal)
    }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
