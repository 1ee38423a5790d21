/** Exit codes of shells for a process that a signal stopped: 128 and the number of the signal. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const

export interface StopSignal {
  readonly name: keyof typeof EXIT_CODES
  readonly exitCode: number
}

/** Where signals come from: the process. */
export interface Signals {
  on: (name: StopSignal['name'], listener: (name: NodeJS.Signals) => void) => unknown
  off: (name: StopSignal['name'], listener: (name: NodeJS.Signals) => void) => unknown
  readonly pid: number
  kill: (pid: number, name: StopSignal['name']) => unknown
}

/**
 * Lets the system end the process, whose listeners must have been removed. (`process.exit` would
 * wait for a pending read of a file, which may never end.)
 */
export function endBySystem(signals: Signals, { name }: StopSignal): void {
  signals.kill(signals.pid, name)
}

/**
 * Calls back at each Ctrl-C and SIGTERM, with the number of signals until now. Returns a function
 * that removes the listeners: the system then ends the process at the next signal.
 */
export function onStopSignal(
  signals: Signals,
  listener: (signal: StopSignal, times: number) => void,
): () => void {
  const names = Object.keys(EXIT_CODES) as StopSignal['name'][]
  let times = 0
  const hear = (signal: NodeJS.Signals): void => {
    const name = signal as StopSignal['name']
    times += 1
    listener({ name, exitCode: EXIT_CODES[name] }, times)
  }
  for (const name of names) signals.on(name, hear)
  return () => {
    for (const name of names) signals.off(name, hear)
  }
}
