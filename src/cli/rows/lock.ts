import {
  linkSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { UsageError } from '../flags/usage-error.ts'
import { naming } from './naming.ts'
import { real } from './real-path.ts'

/** Interval at which a run renews its lock. */
const HEARTBEAT_MS = 10_000
/** Time without a renewal after which another computer may take over the lock. */
const SILENCE_MS = 60_000

/** The owner of a lock. */
interface Owner {
  readonly pid: number
  /** Where that number is valid: the computer, and on Linux the container. */
  readonly host: string
  /**
   * Start time of the process, on Linux. Numbers are used again, in a container the same one for
   * each run.
   */
  readonly began: string | undefined
}

/**
 * Locks a file for this process, so that no two runs or evals write it at the same time. Takes over
 * the lock of a killed run: at once if its process is known to be gone, and after a minute of
 * silence if this computer cannot see the process. Returns a function that unlocks the file.
 *
 * @throws {UsageError} If a running process has the lock.
 */
export function lock(file: string): () => void {
  const path = `${real(file)}.run.lock`
  const own = JSON.stringify({
    pid: process.pid,
    host: hostOf(),
    began: processOf(process.pid)?.began,
  } satisfies Owner)
  const draft = `${path}.${process.pid}`
  try {
    // The lock has its owner from the start. Without one, another run would take it over.
    naming(path, () => {
      writeFileSync(draft, own)
    })
    if (!create(draft, path)) takeOver(file, path, draft)
  } finally {
    rmSync(draft, { force: true })
  }
  const heart = setInterval(() => {
    touch(path)
  }, HEARTBEAT_MS)
  heart.unref()
  return () => {
    clearInterval(heart)
    if (read(path) === own) rmSync(path)
  }
}

/** Replaces a lock without an owner. Never moves a lock that may have an owner. */
function takeOver(file: string, path: string, draft: string): void {
  const refuse = (why: string) => new UsageError(`${file} is being written by ${why}`)
  const claim = `${path}.taken-over`
  // Several runs may find the same dead owner. One of them gets the claim.
  if (!create(draft, claim)) {
    throw refuse(`another run, which has just begun. If that is not so, delete ${claim}`)
  }
  try {
    const text = read(path)
    // The owner unlocked the file in the meantime.
    if (text === undefined) {
      if (create(draft, path)) return
      throw refuse('another run, which has just begun')
    }
    const owner = parse(text)
    // Both times come from the clock of the file system.
    const silence = statSync(draft).mtimeMs - statSync(path).mtimeMs
    if (owner && isRunning(owner, silence)) {
      const unseen =
        owner.host === hostOf()
          ? ''
          : `, elsewhere: it can be taken over ${SILENCE_MS / 1_000} s after it was killed`
      throw refuse(`another run, process ${owner.pid}${unseen}. If that is not so, delete ${path}`)
    }
    renameSync(draft, path)
  } finally {
    rmSync(claim, { force: true })
  }
}

/** Returns whether it created the file. */
function create(draft: string, path: string): boolean {
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
  }
  // A file system without links.
  try {
    writeFileSync(path, readFileSync(draft), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function touch(path: string): void {
  try {
    const now = new Date()
    utimesSync(path, now, now)
  } catch {
    // Another process deleted the lock.
  }
}

/** `undefined`: the file is gone. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** `undefined`: the file is not a lock, or the machine went down while a run wrote it. */
function parse(text: string): Owner | undefined {
  try {
    const { pid, host, began } = JSON.parse(text) as Partial<Owner>
    return pid === undefined || host === undefined ? undefined : { pid, host, began }
  } catch {
    return undefined
  }
}

function isRunning({ pid, host, began }: Owner, silence: number): boolean {
  if (host !== hostOf()) return silence < SILENCE_MS
  const now = processOf(pid)
  if (now && (now.began !== began || now.isDead)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function hostOf(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

/** The state of a process that Linux shows. `undefined`: no such process, or another system. */
function processOf(pid: number): { began: string | undefined; isDead: boolean } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The 3rd field and the next ones. The 2nd is a name in brackets, which may hold brackets
    // itself.
    const [state = '', ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie is dead. The 22nd field is the start time, in ticks from the start of the machine.
    return { began: rest[18], isDead: 'ZX'.includes(state) }
  } catch {
    return undefined
  }
}
