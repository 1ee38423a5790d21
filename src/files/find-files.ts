import { realpath, stat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { unreadable } from './read/file-bytes.ts'
import { FileError } from './row.ts'

/**
 * Finds the files of names and glob patterns, in that order. Sorts the files of one pattern by
 * name. Keeps `-`, which is stdin. Throws a `FileError` for a name or pattern without a file, for a
 * directory, and for a file that is named twice, also by another path or a link.
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

/**
 * The path without links, which shows whether a file is named twice. A pipe such as `/dev/fd/63`
 * has no such path.
 */
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
  // The name of a file may have brackets.
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
