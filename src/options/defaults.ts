/** The defaults of a stream's options. The help of the command line shows them as well. Durations are milliseconds. */
export const defaults = {
  maxPackTokens: 4_000,
  maxPackRecords: 25,
  linger: 100,
  maxInFlight: 4,
  maxAttempts: 4,
  firstTokenTimeout: 120_000,
  idleTimeout: 60_000,
  requestTimeout: 600_000,
} as const
