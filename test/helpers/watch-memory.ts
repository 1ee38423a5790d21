import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Memory {
  /** The largest amount of memory that the process took, in MB. */
  readonly peak: number
  /** Samples of the memory of the process, in MB. */
  readonly samples: readonly number[]
}

/**
 * Watches the memory of a process, in MB, until the process ends. `undefined` if the machine has no
 * /proc.
 */
export async function watchMemory(
  pid: number,
  ended: Promise<unknown>,
  every: number,
): Promise<Memory | undefined> {
  if (!existsSync('/proc/self/status')) return undefined
  const isOver = ended.then(() => true)
  const samples: number[] = []
  let peak = 0
  do {
    const status = statusOf(pid)
    const [now, most] = [sizeIn(status, 'VmRSS'), sizeIn(status, 'VmHWM')]
    // After its end, the process has no memory.
    if (now === undefined || most === undefined) continue
    samples.push(now)
    peak = Math.max(most, now)
  } while (!(await Promise.race([isOver, sleep(every, false)])))
  return { peak, samples }
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

function sizeIn(status: string, name: string): number | undefined {
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]
  return kilobytes === undefined ? undefined : Math.round((Number(kilobytes) * 1_024) / 1e6)
}
