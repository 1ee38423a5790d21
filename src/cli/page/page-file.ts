import { randomUUID } from 'node:crypto'
import {
  accessSync,
  constants,
  closeSync,
  existsSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { UsageError } from '../flags/usage-error.ts'
import { MARKER } from './shell.ts'

/** Bytes at the start of a page that have its marker. */
const HEAD_BYTES = 512

/**
 * Checks that a page may be written to this place.
 *
 * @throws {UsageError} If there is no folder, or another file that is not a report.
 */
export function checkPageFile(path: string, option: string): void {
  const folder = dirname(path)
  if (!existsSync(folder)) throw new UsageError(`${option}: ${path}: there is no folder ${folder}`)
  try {
    accessSync(folder, constants.W_OK)
  } catch (cause) {
    throw new UsageError(`${option}: ${path} cannot be written: ${(cause as Error).message}`, { cause })
  }
  if (!existsSync(path)) return
  if (!statSync(path).isFile()) throw new UsageError(`${option}: ${path} is not a file`)
  if (statSync(path).size > 0 && !headOf(path).includes(MARKER)) {
    throw new UsageError(
      `${option}: ${path} exists already, and is not a report of llm-pack-stream. Choose another name, or delete the file`,
    )
  }
}

function headOf(path: string): string {
  const file = openSync(path, 'r')
  try {
    const head = Buffer.alloc(HEAD_BYTES)
    return head.toString('latin1', 0, readSync(file, head))
  } finally {
    closeSync(file)
  }
}

/** Writes the page as a whole. After a crash there is the old page, or no page. */
export function writePageFile(path: string, page: string): void {
  // A name that no other file has.
  const draft = `${path}.${randomUUID()}`
  try {
    writeFileSync(draft, page)
    renameSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
}
