/** The arguments cannot be used: the message names the one, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What a command ends with. 130 and 143, as of shells, stand for SIGINT and SIGTERM. */
export const exitCodes = { fulfilled: 0, someRejected: 1, usage: 2, fatal: 3 } as const

/**
 * Runs what checks options, and puts flags in place of their names in what it throws.
 *
 * @throws {UsageError} For a `TypeError` or a `RangeError`, which is what it says of an option that cannot be used.
 */
export function inFlags<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    throw asUsageError(error)
  }
}

/** Options of the library and of the simulator that have a flag, by its name where that is another one. */
const flagNames = new Map([
  ...[
    ...['model', 'api', 'request', 'instructions', 'schema', 'examples', 'maxPackRecords', 'maxPackTokens'],
    ...['maxOutputTokens', 'maxInFlight', 'linger', 'maxAttempts', 'maxCost', 'maxRecordBytes'],
    ...['firstTokenTimeout', 'idleTimeout', 'requestTimeout'],
    ...['highWaterMark', 'readableHighWaterMark', 'writableHighWaterMark'],
    ...['port', 'apiKey', 'contextTokens'],
    ...['startFrom', 'assignor', 'maxUncommitted', 'maxPartitionBytes', 'commitInterval', 'sessionTimeout'],
    ...['revokeTimeout', 'stopTimeout'],
    ...['timeToFirstToken', 'promptTokensPerSecond', 'outputTokensPerSecond', 'slowdown', 'outputTokens'],
  ].map((name): [string, string] => [name, name.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)]),
  ['requestsPerMinute', 'rpm'],
  ['tokensPerMinute', 'tpm'],
  ['preserveOrder', 'ordered'],
  ['seed', 'fault-seed'],
  ['pricing.input', 'price-in'],
  ['pricing.cachedInput', 'price-cached'],
  ['pricing.output', 'price-out'],
  ['pricing', 'price-in and --price-out'],
])

/** An option's error as a flag's; any other as it is. */
export function asUsageError(error: unknown): unknown {
  if (!(error instanceof TypeError || error instanceof RangeError)) return error
  return new UsageError(withFlags(error.message), { cause: error })
}

/** A message with flags in place of the names of options. */
export function withFlags(message: string): string {
  const flagFor = (found: string, option: string) => {
    const name = flagNames.get(option)
    return name === undefined ? found : `--${name}`
  }
  // The simulator's options stand first, the stream's in backquotes.
  return message
    .replace("the client's `baseURL`", 'OPENAI_BASE_URL')
    .replace(/^(?:latency\.|limits\.|faults\.)?(\w+)(?=: )/u, flagFor)
    .replace(/`(?:latency\.|limits\.)?(\w+(?:\.\w+)?)`/gu, flagFor)
}
