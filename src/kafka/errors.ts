import { keyOf, type TopicPartition } from './topic-partition.ts'

/** Errors that a retry cannot repair: names in the protocol, and codes of the client. */
const FATAL_NAMES = [
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'INCONSISTENT_GROUP_PROTOCOL',
]
const FATAL_CODES = [
  'PLT_KFK_AUTHENTICATION',
  'PLT_KFK_UNSUPPORTED_COMPRESSION',
  'PLT_KFK_UNSUPPORTED_API',
  'PLT_KFK_UNSUPPORTED',
]
/** Errors of a member whose group is in a rebalance, or has had a rebalance without the member. */
const OUT_OF_STEP = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']

/** The partition ends before the offset at which reading should start. */
export class TruncatedError extends Error {
  override readonly name = 'TruncatedError'

  constructor(partition: TopicPartition, offset: bigint, end: bigint) {
    super(
      `Expected ${keyOf(partition)} to reach offset ${offset}, but it ends at ${end}. ` +
        'If the topic was deleted and created again, reset the offsets of the group',
    )
  }
}

/** Whether an error that the client threw, or one of its causes, has this name in the protocol. */
export function hasError(error: unknown, name: string): boolean {
  return findBy(error, 'apiId', name)
}

export function isOutOfStep(error: unknown): boolean {
  return OUT_OF_STEP.some((name) => hasError(error, name))
}

export function isFatal(error: unknown): boolean {
  return (
    error instanceof TruncatedError ||
    FATAL_NAMES.some((name) => hasError(error, name)) ||
    FATAL_CODES.some((code) => findBy(error, 'code', code))
  )
}

/**
 * Describes an error. The client's own message, such as `fetch failed 4 times.`, says little, so
 * the description includes the cause.
 */
export function explain(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return explain(error.errors.at(-1))
  if (!(error instanceof Error)) return String(error)
  const message = error.message.replace(/\.$/, '')
  const cause = error.cause instanceof Error ? explain(error.cause) : message
  // The cause may repeat the message.
  return cause.startsWith(message) ? cause : `${message}: ${cause}`
}

/**
 * Searches an error and its causes, like the method of the client's own errors. It imports no error
 * class, because the error may come from another copy of the client.
 */
function findBy(error: unknown, property: string, value: string): boolean {
  if (!(error instanceof Error)) return false
  if ((error as unknown as Record<string, unknown>)[property] === value) return true
  const inside: unknown[] = error instanceof AggregateError ? error.errors : []
  return [...inside, error.cause].some((one) => findBy(one, property, value))
}
