import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { UsageError } from '../usage-error.ts'
import { real } from './output-files.ts'

/** Who has a lock. */
interface Owner {
  readonly pid: number
  readonly host: string
  /** When the process began, where the system tells: numbers are given again, in a container to each run the same. */
  readonly began: string | undefined
}

/**
 * Takes a file for this process, so that no two runs write it at the same time. What a killed one has left is taken over.
 * Returns a function that gives it back.
 *
 * @throws {UsageError} If a running process has it, or one of another computer, of which nobody can tell here.
 */
export function lock(file: string): () => void {
  const path = `${real(file)}.run.lock`
  const own = JSON.stringify({
    pid: process.pid,
    host: hostname(),
    began: beginOf(process.pid),
  } satisfies Owner)
  // Two tries: the one that had it may be gone in between.
  for (const isLast of [false, true]) {
    try {
      create(path, own)
      return () => {
        if (read(path) === own) rmSync(path)
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const text = read(path)
      const owner = text === undefined ? undefined : parse(text)
      if (isLast || (owner !== undefined && isRunning(owner))) {
        const { pid, host } = owner ?? {}
        const where = host === hostname() ? '' : ` on ${host}`
        const who = pid === undefined ? 'another run' : `another run, process ${pid}${where}`
        throw new UsageError(`${file} is being written by ${who}. If that is not so, delete ${path}`)
      }
      if (text !== undefined) takeAway(path, text)
    }
  }
  throw new Error('unreachable')
}

/** With its owner in it from the start: it would look like nobody's. */
function create(path: string, owner: string): void {
  const own = `${path}.${process.pid}`
  writeFileSync(own, owner)
  try {
    linkSync(own, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error
    // A file system without links.
    writeFileSync(path, owner, { flag: 'wx' })
  } finally {
    rmSync(own)
  }
}

/** Of several that find the same dead owner, one gets it out of the way: a file is renamed only once. */
function takeAway(path: string, dead: string): void {
  const aside = `${path}.${process.pid}.old`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  // Somebody else was faster, and this is theirs.
  if (read(aside) !== dead) renameSync(aside, path)
  else rmSync(aside)
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

function isRunning({ pid, host, began }: Owner): boolean {
  // Nobody can tell from here.
  if (host !== hostname()) return true
  if (began !== beginOf(pid)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** In ticks since the machine was started, on Linux; elsewhere, and of what does not run, `undefined`. */
function beginOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The 22nd field. The second is a name in brackets, which may hold spaces and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
