import {
  duration,
  expected,
  isPlainObject,
  knownOptions,
  optionalFunction,
  outOfRange,
  positiveInteger,
} from '../base/option-checks.ts'
import type { Fulfilled } from '../index.ts'
import type { KafkaConnection } from './connection.ts'
import type { KafkaEvent } from './events.ts'
import { MAX_UNCOMMITTED, OffsetTracker } from './offset-tracker.ts'
import type { KafkaRecord } from './record.ts'

export type Assignor = 'cooperative-sticky' | 'roundrobin'
export type StartFrom = 'earliest' | 'latest'

export interface KafkaSourceOptions {
  readonly connection: KafkaConnection
  /**
   * Name of the consumer group. Its members share the partitions. All workers of a job use the same
   * name.
   */
  readonly groupId: string
  /** The topics to read. */
  readonly topics: readonly string[]
  /**
   * How the group divides the partitions. With `cooperative-sticky`, as few partitions as possible
   * move when a member comes or goes, and the old member first finishes its records. With
   * `roundrobin`, any partition may move, and records in flight are asked twice. All members must
   * use the same assignor.
   *
   * @default 'cooperative-sticky'
   */
  readonly assignor?: Assignor | undefined
  /** The start in a partition without a committed offset. @default 'earliest' */
  readonly startFrom?: StartFrom | undefined
  /**
   * Largest number of records of one partition that were read and not committed. It limits how many
   * records are repeated after a crash, and how many later records can pass a slow record. @default
   * 1,000
   */
  readonly maxUncommitted?: number | undefined
  /** Bytes that are fetched of one partition at a time, and wait in memory. @default 262,144 */
  readonly maxPartitionBytes?: number | undefined
  /** Interval at which finished offsets are committed, in ms. @default 250 */
  readonly commitInterval?: number | undefined
  /**
   * Time without a heartbeat after which the group gives a member's partitions to other members, in
   * ms. @default 30,000
   */
  readonly sessionTimeout?: number | undefined
  /**
   * Interval between two heartbeats, in ms. At most a third of `sessionTimeout`. @default 3,000, or
   * a third of `sessionTimeout` if that is less
   */
  readonly heartbeatInterval?: number | undefined
  /**
   * Time in which all members must join again when a member comes or goes, in ms. At least
   * `sessionTimeout`. @default `sessionTimeout`
   */
  readonly rebalanceTimeout?: number | undefined
  /**
   * Time in which a member finishes the records of a partition that moves away, in ms. After that,
   * the member drops the unfinished records, and the partition's next member asks for them again.
   * Only with `cooperative-sticky`. The member sends no heartbeats during this time, so it is at
   * most two thirds of `sessionTimeout`. @default half of `sessionTimeout`
   */
  readonly revokeTimeout?: number | undefined
  /** Called with each event. An error that it throws ends the worker. @default no listener */
  readonly onEvent?: ((event: KafkaEvent) => void) | undefined
}

export interface KafkaSinkOptions<T> {
  readonly connection: KafkaConnection
  /** The tracker of the source. The sink tells it which records are finished. */
  readonly tracker: OffsetTracker
  /** Topic for the results of fulfilled records. */
  readonly outputTopic: string
  /** Topic for rejected records. They are written as they came, with the reason in headers. */
  readonly deadLetterTopic: string
  /**
   * Makes the value of a result's message. If it throws, the record goes to the dead-letter topic.
   *
   * @default `JSON.stringify(outcome.value)`
   */
  readonly serialize?: ((outcome: Fulfilled<KafkaRecord, T>) => string | Buffer) | undefined
  /** Called with each event. An error that it throws ends the worker. @default no listener */
  readonly onEvent?: ((event: KafkaEvent) => void) | undefined
}

/** Options with all defaults filled in. */
type Resolved<Options> = { readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined> }
export type ResolvedSource = Resolved<KafkaSourceOptions>
export type ResolvedSink<T> = Resolved<KafkaSinkOptions<T>>

const SOURCE: Record<keyof KafkaSourceOptions, true> = {
  connection: true,
  groupId: true,
  topics: true,
  assignor: true,
  startFrom: true,
  maxUncommitted: true,
  maxPartitionBytes: true,
  commitInterval: true,
  sessionTimeout: true,
  heartbeatInterval: true,
  rebalanceTimeout: true,
  revokeTimeout: true,
  onEvent: true,
}

const SINK: Record<keyof KafkaSinkOptions<unknown>, true> = {
  connection: true,
  tracker: true,
  outputTopic: true,
  deadLetterTopic: true,
  serialize: true,
  onEvent: true,
}

/**
 * @throws {TypeError | RangeError} For a bad option. The message names the
 *   option, the expected value and the given value.
 */
export function resolveSource(options: KafkaSourceOptions): ResolvedSource {
  knownOptions(options, SOURCE)
  const session = between('sessionTimeout', options.sessionTimeout, 30_000, [1, Infinity])
  const { heartbeatInterval, rebalanceTimeout, revokeTimeout } = options
  return {
    connection: connection(options.connection),
    groupId: nonEmpty('groupId', options.groupId),
    topics: topics(options.topics),
    assignor: oneOf('assignor', options.assignor, ['cooperative-sticky', 'roundrobin']),
    startFrom: oneOf('startFrom', options.startFrom, ['earliest', 'latest']),
    maxUncommitted: positiveInteger('maxUncommitted', options.maxUncommitted, MAX_UNCOMMITTED),
    maxPartitionBytes: positiveInteger('maxPartitionBytes', options.maxPartitionBytes, 262_144),
    commitInterval: between('commitInterval', options.commitInterval, 250, [1, Infinity]),
    sessionTimeout: session,
    heartbeatInterval: between('heartbeatInterval', heartbeatInterval, Math.min(3_000, session / 3), [
      1,
      session / 3,
    ]),
    rebalanceTimeout: between('rebalanceTimeout', rebalanceTimeout, session, [session, Infinity]),
    revokeTimeout: between('revokeTimeout', revokeTimeout, session / 2, [0, (session * 2) / 3]),
    onEvent: optionalFunction('onEvent', options.onEvent) ?? (() => undefined),
  }
}

/**
 * @throws {TypeError} For a bad option. The message names the
 *   option, the expected value and the given value.
 */
export function resolveSink<T>(options: KafkaSinkOptions<T>): ResolvedSink<T> {
  knownOptions(options, SINK)
  const { tracker } = options
  if (!(tracker instanceof OffsetTracker)) throw expected('tracker', "the source's `tracker`", tracker)
  return {
    connection: connection(options.connection),
    tracker,
    outputTopic: nonEmpty('outputTopic', options.outputTopic),
    deadLetterTopic: nonEmpty('deadLetterTopic', options.deadLetterTopic),
    serialize: optionalFunction('serialize', options.serialize) ?? (({ value }) => JSON.stringify(value)),
    onEvent: optionalFunction('onEvent', options.onEvent) ?? (() => undefined),
  }
}

/** Checks the brokers. The client checks all other fields. */
function connection(value: KafkaConnection): KafkaConnection {
  if (!isPlainObject(value)) throw expected('connection', 'an object', value)
  const { bootstrapBrokers } = value as { bootstrapBrokers?: unknown }
  if (!Array.isArray(bootstrapBrokers) || bootstrapBrokers.length === 0) {
    throw expected('connection.bootstrapBrokers', "an array such as ['localhost:9092']", bootstrapBrokers)
  }
  return value
}

function topics(value: readonly string[]): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) throw expected('topics', 'an array of names', value)
  return [...new Set(value.map((topic: unknown, index) => nonEmpty(`topics[${index}]`, topic)))]
}

function nonEmpty(name: string, value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '') throw expected(name, 'a name', value)
  return value
}

function oneOf<const T extends string>(name: string, value: unknown, [byDefault, ...others]: [T, ...T[]]): T {
  const found = value === undefined ? byDefault : [byDefault, ...others].find((one) => one === value)
  if (found === undefined) {
    throw expected(name, [byDefault, ...others].map((one) => `'${one}'`).join(' or '), value)
  }
  return found
}

/** Checks a duration in ms. Rounds it down, because the protocol has whole ms. */
function between(
  name: string,
  value: unknown,
  byDefault: number,
  [from, to]: [from: number, to: number],
): number {
  const ms = Math.floor(duration(name, value, byDefault))
  if (ms >= from && ms <= to) return ms
  const range = to === Infinity ? `at least ${from} ms` : `between ${from} and ${Math.floor(to)} ms`
  throw outOfRange(name, range, ms)
}
