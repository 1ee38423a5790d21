import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { UsageError } from '../flags/usage-error.ts'

/**
 * Imports a module of the user that a flag names.
 *
 * @throws {UsageError} If it cannot be loaded. The message names the flag and the file.
 */
export async function importModule(file: string, flag: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const hint = code === 'ERR_UNKNOWN_FILE_EXTENSION' ? ' (Node runs TypeScript from 22.18 on)' : ''
    throw new UsageError(`${flag}: ${file} cannot be loaded${hint}: ${message}`, { cause })
  }
}
