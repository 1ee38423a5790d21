/** Which signal has stopped a worker, and the exit code of shells for it. */
export interface Stop {
  readonly signal: 'SIGINT' | 'SIGTERM'
  readonly exitCode: number
}

const CODES = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Says what a signal does: the first stops the worker and the second makes it give up what runs, both by `runKafka`, and the third
 * ends the process. Returns what tells of the first, and takes the listeners back.
 */
export function watchSignals(say: (text: string) => void): {
  first: () => Stop | undefined
  off: () => void
} {
  let first: Stop | undefined
  let times = 0
  const listener = (name: NodeJS.Signals): void => {
    const signal = name as keyof typeof CODES
    const exitCode = CODES[signal]
    first ??= { signal, exitCode }
    times += 1
    if (times > 2) process.exit(exitCode)
    const again = signal === 'SIGINT' ? ' Ctrl-C again gives it up.' : ''
    say(
      times === 1
        ? `Stopping: reads no more, and finishes what it has read.${again}`
        : 'Giving up what is not finished.',
    )
  }
  for (const signal of Object.keys(CODES)) process.on(signal, listener)
  return {
    first: () => first,
    off() {
      for (const signal of Object.keys(CODES)) process.off(signal, listener)
    },
  }
}
