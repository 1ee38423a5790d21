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

/** Options with a flag of another name. */
const flagNames = new Map([
  ['requestsPerMinute', 'rpm'],
  ['tokensPerMinute', 'tpm'],
  ['preserveOrder', 'ordered'],
  ['pricing.input', 'price-in'],
  ['pricing.cachedInput', 'price-cached'],
  ['pricing.output', 'price-out'],
  ['pricing', 'price-in and --price-out'],
])

/** An option's error as a flag's; any other as it is. */
export function asUsageError(error: unknown): unknown {
  if (!(error instanceof TypeError || error instanceof RangeError)) return error
  const flagOf = (option: string) =>
    `--${flagNames.get(option) ?? option.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)}`
  // The simulator's options stand first, the stream's in backquotes.
  const message = error.message
    .replace(/^(?:latency\.|limits\.|faults\.)?(\w+)(?=: )/u, (_, option: string) => flagOf(option))
    .replace(/`(\w+(?:\.\w+)?)`/gu, (_, option: string) => flagOf(option))
  return new UsageError(message, { cause: error })
}

/** The properties that are set: an option left out and one set to `undefined` are different types. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
