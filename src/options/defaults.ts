/** Defaults of options, also for the help of the command line. Durations are in ms. */
export const defaults = {
  api: 'chat',
  output: 'json_schema',
  encoding: 'o200k_base',
  maxPackTokens: 4_000,
  maxPackRecords: 25,
  linger: 100,
  maxInFlight: 4,
  maxAttempts: 4,
  firstTokenTimeout: 120_000,
  idleTimeout: 60_000,
  requestTimeout: 600_000,
  auditMargin: 0.02,
} as const
