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

/** Asks that wait for a round of the group get this much longer than the round may take, in ms. */
const REQUEST_MARGIN = 10_000
/** How soon a commit is tried again that the group did not take, in ms. */
const RETRY_COMMIT = 100
/** How long it waits at most before it tries to join again, in ms: meanwhile others have its partitions. */
const MAX_PAUSE = 5_000
/** How many rounds in a row a member that leaves waits for, to commit. */
const MAX_ROUNDS = 4

/** What the member does to the reading of partitions. */
export interface Reading {
  start(from: TopicPartitionOffset): void
  stop(partition: TopicPartition): void
}

/** A member of a consumer group: owns which partitions are read here, and that what is finished is committed. */
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

  /** @throws {Error} If the cluster cannot be reached, has no such topic, or does not let it join. */
  async join(): Promise<void> {
    // By the client that waits no longer than it has to.
    await this.#offsets.check()
    try {
      await this.#client.joinGroup({})
    } catch (cause) {
      if (!isOutOfStep(cause)) {
        throw new Error(`Could not join group '${this.#options.groupId}': ${explain(cause)}`, { cause })
      }
      // Others came and went, so that each of the client's tries fell into another round.
      await this.#recover(cause)
    }
    void this.#keepCommitting()
  }

  /**
   * Commits what is finished, and leaves the group, so that others take over at once.
   *
   * @throws {Error} If it could not commit: what is finished since the last time will be done again.
   */
  async leave(): Promise<void> {
    this.#session.end()
    this.#tracker.change.notify()
    try {
      await this.#commitAll()
    } catch (cause) {
      throw new Error(`Could not commit the last offsets: ${explain(cause)}`, { cause })
    } finally {
      // A group that does not hear of it notices after `sessionTimeout`.
      await Promise.allSettled([this.#client.close(true), this.#offsets.close()])
    }
  }

  #connect(): Consumer {
    const { groupId, topics, assignor, sessionTimeout, rebalanceTimeout, heartbeatInterval } = this.#options
    const cooperative = {
      partitionAssigner: cooperativeStickyAssigner,
      protocols: [{ name: 'cooperative-sticky', version: 3 }],
      // Asked for user data, of which there is none, before each join: the one place to delay it.
      protocolsMetadata: () => this.#beforeJoin(client).then(() => Buffer.alloc(0)),
    }
    const client: Consumer = new Consumer({
      ...baseOptions(this.#options.connection),
      ...{ groupId, sessionTimeout, rebalanceTimeout, heartbeatInterval },
      requestTimeout: rebalanceTimeout + REQUEST_MARGIN,
      ...(assignor === 'cooperative-sticky' ? cooperative : {}),
    })
    client.topics.trackAll(...topics)
    client.on('consumer:group:join', (round) => {
      if (client === this.#client) this.#onRound(round)
    })
    // A member that cannot join again. Without a listener it would end the process.
    client.on('error', (error) => {
      if (client === this.#client) void this.#recover(error)
    })
    client.on('consumer:heartbeat:error', ({ error }) => {
      this.#session.failed('give a sign of life', error)
    })
    return client
  }

  /** A round of the group has ended: it says what this member has from now on. */
  #onRound({ memberId, generationId = -1, assignments = [] }: ConsumerGroupJoinPayload): void {
    if (this.#session.isOver) return
    const assigned = assignments.flatMap(flatten)
    const keys = new Set(assigned.map(keyOf))
    // Thrown out, and let in again as a new member: others may have read on in between.
    const isNew = memberId !== this.#memberId
    this.#drop(this.#tracker.held.filter((one) => isNew || !keys.has(keyOf(one))))
    this.#memberId = memberId
    this.#generation = generationId
    this.#assigned = assigned
    this.#session.tell({ type: 'assigned', generation: generationId, partitions: assigned })
    void this.#startReading(generationId)
  }

  /**
   * Before the client asks for a round, without what it has been told to give up: the records that have been read of those
   * partitions are finished and committed first, if time allows, so that nobody asks for them again.
   */
  #beforeJoin(client: Consumer): Promise<void> {
    // More than once, where a try to join has failed.
    this.#givingUp ??= this.#giveUp(client).finally(() => (this.#givingUp = undefined))
    return this.#givingUp
  }

  async #giveUp(client: Consumer): Promise<void> {
    const kept = this.#assignedTo(client)
    const leaving = this.#tracker.held.filter((one) => !kept.has(keyOf(one)))
    if (leaving.length === 0) return
    for (const partition of leaving) this.#reading.stop(partition)
    // Otherwise the group has thrown it out, and others have them already.
    const isTold = client.memberId === this.#memberId && client.generationId !== this.#generation
    if (isTold) {
      this.#session.tell({ type: 'leaving', partitions: leaving })
      await this.#finish(leaving)
    }
    // Who leaves the group commits all that it has finished.
    if (!this.#session.isOver) this.#drop(leaving)
  }

  /** Waits until all that has been read of the partitions is finished and committed, or time is up. */
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

  /** Of partitions that are new here, from where the group has committed. */
  async #startReading(generation: number): Promise<void> {
    const isOver = () => this.#session.isOver || generation !== this.#generation
    for (let failures = 1; !isOver(); failures += 1) {
      const news = this.#assigned.filter((one) => !this.#tracker.isHeld(one))
      if (news.length === 0) return
      try {
        const starts = await this.#offsets.read(news)
        if (isOver()) return
        const kept = this.#assignedTo(this.#client)
        // Some may be on their way to others by now.
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

  /** The client gives up at some point, and some of its errors it repeats for ever. A new one comes up from nothing. */
  async #recover(cause: unknown): Promise<void> {
    if (this.#isRecovering) return
    this.#isRecovering = true
    this.#session.failed('join the group', cause)
    const { signal } = this.#session
    for (let failures = 1; ; failures += 1) {
      await sleep(Math.min(backoff(failures, Math.random), MAX_PAUSE), signal)
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

  /** Commits what is finished, or says why not. Where the group is in a round, it is tried again soon enough. */
  async #commit(): Promise<void> {
    try {
      if (await this.#offsets.commit(this.#client)) return
    } catch (error) {
      this.#session.failed('commit', error)
    }
    await sleep(RETRY_COMMIT, this.#session.signal)
  }

  /** Commits what is finished, also where the group is in a round: after it, and where another follows at once, after that. */
  async #commitAll(): Promise<void> {
    const end = Date.now() + MAX_ROUNDS * this.#options.rebalanceTimeout
    while (!(await this.#offsets.commit(this.#client))) {
      if (this.#client.memberId !== this.#memberId) throw new Error('the group has thrown this member out')
      if (Date.now() > end) throw new Error('the group was in a round all the time')
      await sleep(RETRY_COMMIT, new AbortController().signal)
    }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
