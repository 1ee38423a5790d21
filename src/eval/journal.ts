import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { Spent, Trial } from './trial.ts'

/** What an arm has asked of a block, as one line. */
export interface Unit {
  readonly trials: readonly Trial[]
  readonly spent: Spent
}

/** The first line: the version of the format, and a hash of all that decides the answers. */
interface Header {
  readonly eval: 1
  readonly identity: string
}

/** A file that cannot be the journal of this eval. The file stays as it is. */
export class JournalError extends Error {
  override readonly name = 'JournalError'
  readonly code: 'another_task' | 'no_journal' | 'bad_line'

  constructor(code: JournalError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The answers of an eval that were paid for. Without a path, they stay in memory. */
export class Journal {
  readonly units: Unit[] = []
  readonly #file: number | undefined

  /**
   * @param path The file. It is made if it is not there.
   * @throws {JournalError} If the file is the journal of another task, or no journal.
   */
  constructor(path: string | undefined, identity: string) {
    if (path === undefined) return
    this.#file = openSync(path, 'a+')
    try {
      this.#read(path, identity)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Keeps a unit. After this, a crash does not lose it. */
  add(unit: Unit): void {
    this.units.push(unit)
    this.#write(unit)
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
  }

  #read(path: string, identity: string): void {
    const bytes = readFileSync(path)
    // A crash may have cut off the last line.
    const length = bytes.lastIndexOf('\n') + 1
    const [header, ...lines] = bytes.subarray(0, length).toString().split('\n').slice(0, -1)
    const own: Header = { eval: 1, identity }
    const isOwn = header === JSON.stringify(own)
    const isEmpty = header === undefined && JSON.stringify(own).startsWith(bytes.toString())
    if (!isOwn && !isEmpty) {
      const isJournal = header?.startsWith('{"eval":1,') ?? false
      const what = isJournal ? 'the journal of another task' : 'no journal of an eval'
      throw new JournalError(
        isJournal ? 'another_task' : 'no_journal',
        `${path} is ${what}. Give another file, or move this file away.`,
      )
    }
    this.units.push(...lines.map((line, at) => parsed(line, path, at + 2)))
    if (length < bytes.length) ftruncateSync(this.#file ?? -1, length)
    if (isEmpty) this.#write(own)
  }

  #write(line: Unit | Header): void {
    if (this.#file === undefined) return
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
    for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at)
    fsyncSync(this.#file)
  }
}

/** Number of answers in a journal of any task. 0 for a file that is no journal. */
export function answersIn(path: string): number {
  try {
    const [, ...lines] = readFileSync(path, 'utf8').split('\n').slice(0, -1)
    return lines.reduce((sum, line, at) => sum + parsed(line, path, at + 2).trials.length, 0)
  } catch {
    return 0
  }
}

function parsed(line: string, path: string, number: number): Unit {
  try {
    return JSON.parse(line) as Unit
  } catch (cause) {
    throw new JournalError('bad_line', `${path}, line ${number}: expected the JSON of a journal`, { cause })
  }
}
