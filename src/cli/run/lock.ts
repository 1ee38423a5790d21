import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { UsageError } from '../usage-error.ts'

/**
 * Takes an output for this process, so that no two runs write it at the same time. What a killed one has left is taken over.
 * Returns a function that gives it back.
 *
 * @param force Take it also from a process that runs: its number may be another program's by now.
 * @throws {UsageError} If a running process has it.
 */
export function lock(output: string, force: boolean): () => void {
  const path = `${output}.run.lock`
  // Two tries: the one that had it may be gone in between.
  for (const isLast of [false, true]) {
    try {
      create(path)
      return () => {
        rmSync(path, { force: true })
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const pid = ownerOf(path)
      if (isLast || (pid !== undefined && isRunning(pid) && !force)) {
        const who = pid === undefined ? 'another run' : `another run, process ${pid}`
        throw new UsageError(`${output} is being written by ${who}. If that is not so, --force goes on`)
      }
      takeAway(path, pid)
    }
  }
  throw new Error('unreachable')
}

/** With its number in it from the start: it would look like nobody's. */
function create(path: string): void {
  const own = `${path}.${process.pid}`
  writeFileSync(own, String(process.pid))
  try {
    linkSync(own, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error
    // A file system without links.
    writeFileSync(path, String(process.pid), { flag: 'wx' })
  } finally {
    rmSync(own)
  }
}

/** Of several that find the same dead owner, one gets it out of the way: a file is renamed only once. */
function takeAway(path: string, pid: number | undefined): void {
  const aside = `${path}.${process.pid}.old`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  // Somebody else was faster, and this is theirs.
  if (ownerOf(aside) !== pid) renameSync(aside, path)
  else rmSync(aside)
}

/** `undefined`: nobody has it any more. */
function ownerOf(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8')) || undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function isRunning(pid: number): boolean {
  // In a container each run may have the same number.
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
