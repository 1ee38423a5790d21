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
import { UsageError } from '../../flags/usage-error.ts'
import { real } from '../output-files.ts'

/** How often a run says that it still has its lock, and for how long it may be silent, in ms. */
const HEARTBEAT = 10_000
const SILENCE = 60_000

/** Who has a lock. */
interface Owner {
  readonly pid: number
  /** Where that number means something: the computer, and on Linux the container. */
  readonly host: string
  /** When the process began, on Linux: numbers are given again, in a container to each run the same. */
  readonly began: string | undefined
}

/**
 * Takes a file for this process, so that no two runs write it at the same time. What a killed one has left is taken over: at
 * once where it is known to be gone, and after a minute of silence where nobody can see it from here. Returns a function that
 * gives it back.
 *
 * @throws {UsageError} If a running process has it.
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
    // With its owner in it from the start: it would look like nobody's.
    writeFileSync(draft, own)
    if (!create(draft, path)) takeOver(file, path, draft)
  } finally {
    rmSync(draft, { force: true })
  }
  const heart = setInterval(() => {
    touch(path)
  }, HEARTBEAT)
  heart.unref()
  return () => {
    clearInterval(heart)
    if (read(path) === own) rmSync(path)
  }
}

/** Puts a lock in the place of one that nobody has any more. One that somebody may have is never moved. */
function takeOver(file: string, path: string, draft: string): void {
  const refuse = (why: string) => new UsageError(`${file} is being written by ${why}`)
  const claim = `${path}.taken-over`
  // Of several that find the same dead owner, one.
  if (!create(draft, claim)) {
    throw refuse(`another run, which has just begun. If that is not so, delete ${claim}`)
  }
  try {
    const text = read(path)
    // Given back in between: it is anybody's.
    if (text === undefined) {
      if (create(draft, path)) return
      throw refuse('another run, which has just begun')
    }
    const owner = parse(text)
    // By the clock of the file system.
    const silence = statSync(draft).mtimeMs - statSync(path).mtimeMs
    if (owner && isRunning(owner, silence)) {
      const unseen =
        owner.host === hostOf()
          ? ''
          : `, elsewhere: it would be taken over ${SILENCE / 1_000} s after it was killed`
      throw refuse(`another run, process ${owner.pid}${unseen}. If that is not so, delete ${path}`)
    }
    renameSync(draft, path)
  } finally {
    rmSync(claim, { force: true })
  }
}

/** Whether there was none. */
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
    // Somebody deleted it.
  }
}

/** `undefined`: it is not there any more. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** `undefined`: no lock of ours, or one that was being written as the machine went down. */
function parse(text: string): Owner | undefined {
  try {
    const { pid, host, began } = JSON.parse(text) as Partial<Owner>
    return pid === undefined || host === undefined ? undefined : { pid, host, began }
  } catch {
    return undefined
  }
}

function isRunning({ pid, host, began }: Owner, silence: number): boolean {
  if (host !== hostOf()) return silence < SILENCE
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

/** What Linux tells of a process that can be seen; elsewhere nothing. */
function processOf(pid: number): { began: string | undefined; isDead: boolean } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The 3rd field and on. The 2nd is a name in brackets, which may hold spaces and brackets.
    const [state = '', ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // One that nobody has reaped is dead. The 22nd field: ticks from the start of the machine.
    return { began: rest[18], isDead: 'ZX'.includes(state) }
  } catch {
    return undefined
  }
}
