/** Exit codes of shells for a process that was stopped by a signal: 128 and the signal's number. */
const codes = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Calls back at the first Ctrl-C or SIGTERM, and ends the process at the second. Returns a function that takes all that back.
 */
export function onInterrupt(stop: (signal: keyof typeof codes, exitCode: number) => void): () => void {
  let isStopping = false
  const listener = (signal: NodeJS.Signals): void => {
    const known = signal as keyof typeof codes
    if (isStopping) process.exit(codes[known])
    isStopping = true
    stop(known, codes[known])
  }
  const signals = Object.keys(codes) as (keyof typeof codes)[]
  for (const signal of signals) process.on(signal, listener)
  return () => {
    for (const signal of signals) process.off(signal, listener)
  }
}
