/** The arguments cannot be used. The message names the flag, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Exit codes of a command. A signal adds 130 (SIGINT) and 143 (SIGTERM), as shells do. */
export const exitCodes = { fulfilled: 0, someRejected: 1, usage: 2, fatal: 3, tooManyRejects: 4 } as const

/** The exit code of an error that ends a running job. */
export function exitCodeOf(error: Error): number {
  return 'code' in error && error.code === 'too_many_rejects' ? exitCodes.tooManyRejects : exitCodes.fatal
}

/** The flags, and the variable, of options that have another name there. */
const FLAGS: Readonly<Record<string, string>> = {
  'client.baseURL': 'OPENAI_BASE_URL',
  requestsPerMinute: '--rpm',
  tokensPerMinute: '--tpm',
  preserveOrder: '--ordered',
  output: '--response-format',
  seed: '--fault-seed',
  'votes.ballots': '--votes',
  'audit.share': '--audit',
  'audit.margin': '--audit-margin',
  'audit.guard': '--audit-guard',
  'pricing.input': '--price-in',
  'pricing.cachedInput': '--price-cached',
  'pricing.output': '--price-out',
  pricing: '--price-in and --price-out',
}

/**
 * The flag of an option of the library or of the simulator: `--max-pack-tokens` for
 * `maxPackTokens`.
 */
function flagOf(option: string): string {
  // The simulator groups some of its options. The options of one group are in a file.
  if (option.startsWith('quality.')) return option.replace('quality.', '--quality: ')
  const name = option.replace(/^(?:latency|limits|faults)\./, '')
  return FLAGS[name] ?? `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/**
 * Runs code that checks options.
 *
 * @throws {UsageError} For an option that cannot be used. It names the flag.
 */
export function inFlags<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    throw asUsageError(error)
  }
}

/**
 * Turns the error of a bad option, whose property `option` is its name, into an error that names
 * the flag. Leaves any other error as it is.
 */
export function asUsageError(error: unknown): unknown {
  if (!(error instanceof Error && 'option' in error && typeof error.option === 'string')) return error
  const { message, option } = error
  const flag = flagOf(option)
  const text = message.includes(`\`${option}\``)
    ? withFlags(message, [option, 'pricing'])
    : // The simulator begins with the option's name.
      `${flag}: ${message.startsWith(`${option}: `) ? message.slice(option.length + 2) : message}`
  return new UsageError(text, { cause: error })
}

/** Options that errors of a running stream name. */
const NAMED = ['model', 'schema', 'request', 'maxCost', 'maxRejects', 'client.baseURL']

/** Options that notices of a running stream name. */
export const NOTICED = ['maxPackRecords', 'audit.margin', 'audit.guard']

/** The message of an error or a notice, with flags instead of these options. */
export function withFlags(message: string, options = NAMED): string {
  return options.reduce((text, option) => text.replaceAll(`\`${option}\``, flagOf(option)), message)
}
