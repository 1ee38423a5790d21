import { readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/** The same name for each way to name a file. */
export function real(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') return resolve(path)
    // A pipe has no path. If the file does not exist yet, its folder or the target of its link
    // does.
    const target = linkOf(path)
    if (target !== undefined) return real(resolve(dirname(path), target))
    const folder = dirname(resolve(path))
    return folder === resolve(path) ? folder : join(real(folder), basename(path))
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
