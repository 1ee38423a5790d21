import { keyOf, type TopicPartition } from './topic-partition.ts'

/** What trying again does not mend, by the protocol's names and by the client's codes. */
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
/** The group is in a round, or has had one that the member has missed. */
const OUT_OF_STEP = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']

/** A partition ends before the offset from which it is to be read. */
export class TruncatedError extends Error {
  override readonly name = 'TruncatedError'

  constructor(partition: TopicPartition, offset: bigint, end: bigint) {
    super(
      `${keyOf(partition)} is to be read from offset ${offset}, but ends at ${end}. ` +
        'If the topic was deleted and made anew, reset the offsets of the group',
    )
  }
}

/** Whether the broker said so, by the protocol's name, somewhere in what the client throws. */
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

/** What the client throws says little at the top, such as `fetch failed 4 times.`: the cause is inside. */
export function explain(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return explain(error.errors.at(-1))
  if (!(error instanceof Error)) return String(error)
  const message = error.message.replace(/\.$/, '')
  const cause = error.cause instanceof Error ? explain(error.cause) : message
  // It may say the same again.
  return cause.startsWith(message) ? cause : `${message}: ${cause}`
}

/** As the client's own errors find it, with no import of them: they may be another copy's. */
function findBy(error: unknown, property: string, value: string): boolean {
  if (!(error instanceof Error)) return false
  if ((error as unknown as Record<string, unknown>)[property] === value) return true
  const inside: unknown[] = error instanceof AggregateError ? error.errors : []
  return [...inside, error.cause].some((one) => findBy(one, property, value))
}
