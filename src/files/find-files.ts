import { realpath, stat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { unreadable } from './read/file-bytes.ts'
import { FileError } from './row.ts'

/**
 * The files that are meant by names and glob patterns, in that order; those of one pattern sorted by name. `-`, for stdin,
 * stays. Throws a `FileError` for a name or pattern that no file has, for a directory, and for a file named twice, also
 * where that is by another path or a link.
 */
export async function findFiles(patterns: readonly string[]): Promise<string[]> {
  const found: string[] = []
  const seen = new Map<string, string>()
  for (const pattern of patterns) {
    for (const file of pattern === '-' ? ['-'] : await filesOf(pattern)) {
      const identity = file === '-' ? '-' : await identityOf(file)
      const before = seen.get(identity)
      if (before !== undefined) {
        const how = before === file ? 'it is named twice' : `it is named twice, also as ${before}`
        throw new FileError('named_twice', file, how)
      }
      seen.set(identity, file)
      found.push(file)
    }
  }
  return found
}

/** Its path without links, so that nobody names it twice. A pipe such as `/dev/fd/63` or `/dev/stdin` leads to none. */
async function identityOf(file: string): Promise<string> {
  try {
    return await realpath(file)
  } catch {
    await stat(file).catch((error: unknown) => {
      throw unreadable(file, error)
    })
    return file
  }
}

async function filesOf(pattern: string): Promise<string[]> {
  // A file may well have brackets in its name.
  const stats = await stat(pattern).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw unreadable(pattern, error)
  })
  if (stats?.isDirectory()) throw new FileError('cannot_read', pattern, 'it is a directory')
  if (stats) return [pattern]
  if (!isDynamicPattern(pattern)) throw new FileError('no_match', pattern, 'it does not exist')
  const files = await glob([pattern], {
    onlyFiles: true,
    expandDirectories: false,
    absolute: isAbsolute(pattern),
  })
  if (files.length === 0) throw new FileError('no_match', pattern, 'no file matches it')
  return files.sort()
}
