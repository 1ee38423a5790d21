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
import { OffsetTracker } from './offset-tracker.ts'
import type { KafkaRecord } from './record.ts'

export type Assignor = 'cooperative-sticky' | 'roundrobin'
export type StartFrom = 'earliest' | 'latest'

export interface KafkaSourceOptions {
  readonly connection: KafkaConnection
  /** Its members share the partitions: every worker of a job has the same one. */
  readonly groupId: string
  /** The topics to read. */
  readonly topics: readonly string[]
  /**
   * How the partitions are shared. With `cooperative-sticky` as few as possible move when a member comes or goes, and one that
   * moves is finished first where it was; with `roundrobin` any may move, and what was in flight is asked twice. All members
   * must have the same one.
   *
   * @default 'cooperative-sticky'
   */
  readonly assignor?: Assignor
  /** Where to begin in a partition of which the group has committed nothing. @default 'earliest' */
  readonly startFrom?: StartFrom
  /**
   * How many records of one partition may have been read and not been committed. So many at most does a crash repeat, and so far
   * do others get past one record that takes long. @default 1,000
   */
  readonly maxUncommitted?: number
  /** Bytes of one partition that are fetched at a time, and wait in memory. @default 262,144 */
  readonly maxPartitionBytes?: number
  /** Every so many ms what is finished is committed. @default 250 */
  readonly commitInterval?: number
  /** After so many ms without a sign of life the group gives a member's partitions to others. @default 30,000 */
  readonly sessionTimeout?: number
  /** How often a sign of life is given, in ms. At most a third of `sessionTimeout`. @default 3,000, or the third */
  readonly heartbeatInterval?: number
  /**
   * How long the group waits for its members to join again when one comes or goes, in ms. At least `sessionTimeout`, which is
   * the default.
   */
  readonly rebalanceTimeout?: number
  /**
   * How long a partition that is to move may take to finish what was read, in ms: what is not finished by then is dropped here,
   * and asked again where it goes. Only with `cooperative-sticky`. No sign of life is given meanwhile, so it is at most two
   * thirds of `sessionTimeout`. @default half of `sessionTimeout`
   */
  readonly revokeTimeout?: number
  /** Told what happens. What it throws ends the worker. @default nobody */
  readonly onEvent?: (event: KafkaEvent) => void
}

export interface KafkaSinkOptions<T> {
  readonly connection: KafkaConnection
  /** The source's: it is told which records are finished. */
  readonly tracker: OffsetTracker
  /** Where the results of fulfilled records go. */
  readonly outputTopic: string
  /** Where rejected records go, as they came, with the reason in headers. */
  readonly deadLetterTopic: string
  /**
   * The value of a result's message. Where it throws, the record goes to the dead-letter topic.
   *
   * @default `JSON.stringify(outcome.value)`
   */
  readonly serialize?: (outcome: Fulfilled<KafkaRecord, T>) => string | Buffer
  /** Told what happens. What it throws ends the worker. @default nobody */
  readonly onEvent?: (event: KafkaEvent) => void
}

/** With all defaults in. */
export type ResolvedSource = Required<KafkaSourceOptions>
export type ResolvedSink<T> = Required<KafkaSinkOptions<T>>

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

/** @throws {TypeError | RangeError} For a bad option: the message names it, says what it should be, and what it is. */
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
    maxUncommitted: positiveInteger('maxUncommitted', options.maxUncommitted, 1_000),
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

/** @throws {TypeError} For a bad option: the message names it, says what it should be, and what it is. */
export function resolveSink<T>(options: KafkaSinkOptions<T>): ResolvedSink<T> {
  knownOptions(options, SINK)
  const { tracker } = options
  if (!(tracker instanceof OffsetTracker)) throw expected('tracker', 'that of the source', tracker)
  return {
    connection: connection(options.connection),
    tracker,
    outputTopic: nonEmpty('outputTopic', options.outputTopic),
    deadLetterTopic: nonEmpty('deadLetterTopic', options.deadLetterTopic),
    serialize: optionalFunction('serialize', options.serialize) ?? (({ value }) => JSON.stringify(value)),
    onEvent: optionalFunction('onEvent', options.onEvent) ?? (() => undefined),
  }
}

/** What is in it is for the client to check. */
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

/** A duration in ms, in whole ones as the protocol has them. */
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
