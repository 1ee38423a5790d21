/** Exit codes of shells for a process that was stopped by a signal: 128 and the signal's number. */
const codes = { SIGINT: 130, SIGTERM: 143 } as const

type Signal = keyof typeof codes

/**
 * Calls back at the first Ctrl-C or SIGTERM, and lets the second end the process. Returns a function that takes all that
 * back.
 */
export function onInterrupt(stop: (signal: Signal, exitCode: number) => void): () => void {
  const signals = Object.keys(codes) as Signal[]
  const off = (): void => {
    for (const signal of signals) process.off(signal, listener)
  }
  const listener = (name: NodeJS.Signals): void => {
    const signal = name as Signal
    // The system ends the process at the next one: `process.exit` would wait for a read that never comes back.
    off()
    stop(signal, codes[signal])
  }
  for (const signal of signals) process.on(signal, listener)
  return off
}
