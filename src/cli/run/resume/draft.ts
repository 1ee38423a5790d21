import {
  appendFileSync,
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { naming } from '../../rows/naming.ts'
import { real } from '../output-files.ts'

/** Writes all bytes to an open file. A full disk gets an error that names the file. */
export function append(file: number, path: string, what: string | Uint8Array): void {
  naming(path, () => {
    appendFileSync(file, what)
  })
}

/** Where the draft of a file stands. */
export const draftOf = (path: string): string => `${real(path)}.run.new`

/** Puts a whole draft of an earlier run in the place of its file, if there is a draft. */
export function replaceByDraft(path: string): void {
  if (!existsSync(draftOf(path))) return
  naming(path, () => {
    renameSync(draftOf(path), real(path))
  })
}

/**
 * The next version of a file, which takes the place of the file when it is whole. An error and a
 * kill leave the old version.
 */
export class Draft {
  /** Where it stands until then. */
  readonly path: string
  readonly #target: string
  #file: number | undefined

  constructor(path: string) {
    this.#target = real(path)
    this.path = draftOf(path)
    this.#file = openSync(this.path, 'w')
    if (existsSync(this.#target)) fchmodSync(this.#file, statSync(this.#target).mode)
  }

  write(what: string | Uint8Array): void {
    if (this.#file !== undefined) append(this.#file, this.#target, what)
  }

  /** The draft is whole, and on the disk. */
  finish(): void {
    const file = this.#file
    if (file === undefined) return
    naming(this.#target, () => {
      fsyncSync(file)
    })
    this.#close()
  }

  replace(): void {
    this.finish()
    naming(this.#target, () => {
      renameSync(this.path, this.#target)
    })
  }

  /** Removes it, if it has not become the file. */
  discard(): void {
    this.#close()
    rmSync(this.path, { force: true })
  }

  #close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }
}
